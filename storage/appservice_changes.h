#ifndef STORAGE_APPSERVICE_CHANGES_H
#define STORAGE_APPSERVICE_CHANGES_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"
#include "storage/nids.h"
#include "storage/position_range.h"
#include "storage/presence.h"

/* What application services are told beside events, receipts and messages: who is online, whose
 * keys changed, and how many keys the devices of their users have left. */
struct appservice_change {
    int64_t position;
    int64_t user_nid;
    const char *user_id;
    const char *appservice_id; /* whose user it is; NULL: anybody's, or not looked up */
};

/* In the range, in order; positions may repeat. Key counts only of users that application services
 * made. */
enum errcode appservice_presence(struct db *db, struct arena *arena, struct position_range range,
                                 struct appservice_change **out, size_t *count_out) MUST_CHECK;
enum errcode appservice_device_lists(struct db *db, struct arena *arena,
                                     struct position_range range, struct appservice_change **out,
                                     size_t *count_out) MUST_CHECK;
enum errcode appservice_key_counts(struct db *db, struct arena *arena, struct position_range range,
                                   struct appservice_change **out, size_t *count_out) MUST_CHECK;

/* The rooms that a user is joined to. */
struct appservice_room {
    int64_t room_nid;
    const char *room_id;
};
enum errcode appservice_rooms_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                                      struct appservice_room **out, size_t *count_out) MUST_CHECK;

/* At some positions, what is still the newest of its user. */
enum errcode appservice_presence_load(struct db *db, struct arena *arena, struct nid_list positions,
                                      struct presence_row **out, size_t *count_out) MUST_CHECK;
/* Whose keys changed then, each once. */
enum errcode appservice_device_lists_load(struct db *db, struct arena *arena,
                                          struct nid_list positions, const char ***user_ids_out,
                                          size_t *count_out) MUST_CHECK;
/* Of the memberships that these events ended and that did not begin again: who shares no room any
 * more with any user of the application service, its own users left out. */
enum errcode appservice_departed_load(struct db *db, struct arena *arena, const char *id,
                                      struct nid_list event_nids, const char ***user_ids_out,
                                      size_t *count_out) MUST_CHECK;
/* Devices of this application service's users, ordered by user. */
struct appservice_device {
    int64_t user_nid;
    const char *user_id;
    const char *device_id;
};
enum errcode appservice_devices_load(struct db *db, struct arena *arena, const char *id,
                                     struct nid_list positions, struct appservice_device **out,
                                     size_t *count_out) MUST_CHECK;

#endif
