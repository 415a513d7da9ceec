#ifndef HOMESERVER_SYNC_DEVICE_LISTS_H
#define HOMESERVER_SYNC_DEVICE_LISTS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/call.h"
#include "homeserver/sync/notifier.h"
#include "storage/device_list_changes.h"

/*
 * Whose keys a user has to ask for again, and who is not to be encrypted for any more.
 * Spec: client-server API, "Tracking the device list for a user".
 */
enum errcode device_lists_between(struct call *call, int64_t user_nid, const struct user_view *view,
                                  struct position_range range, struct device_list_change **out,
                                  size_t *count_out) MUST_CHECK;

#endif
