#ifndef HOMESERVER_CLIENT_API_ROOM_INFO_H
#define HOMESERVER_CLIENT_API_ROOM_INFO_H

#include "homeserver/base/strbuf.h"
#include "homeserver/http/request.h"
#include "homeserver/rooms/visibility.h"

/* Appends a RoomInfo, as /initialSync and /rooms/{roomId}/initialSync tell it: messages, state,
 * account data, whether the room is listed. */
enum errcode room_info_write(struct request *req, const struct room_reader *reader,
                             int64_t message_limit, struct strbuf *out) MUST_CHECK;

#endif
