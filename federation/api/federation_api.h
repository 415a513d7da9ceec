#ifndef FEDERATION_API_FEDERATION_API_H
#define FEDERATION_API_FEDERATION_API_H

#include "homeserver/base/error.h"

struct request;

/* Handlers of the server-server API; the files are named like those of the specification. */

/* keys_server.yaml, keys_query.yaml, version.yaml, wellknown.yaml */
enum errcode federation_get_server_key(struct request *req);
enum errcode federation_perspectives_key_query(struct request *req);
enum errcode federation_bulk_perspectives_key_query(struct request *req);
enum errcode federation_get_version(struct request *req);
enum errcode federation_get_well_known(struct request *req);

/* content_repository.yaml */
enum errcode federation_get_content(struct request *req);
enum errcode federation_get_content_thumbnail(struct request *req);

/* transactions.yaml */
enum errcode federation_send_transaction(struct request *req);

/* joins-v1.yaml, joins-v2.yaml */
enum errcode federation_make_join(struct request *req);
enum errcode federation_send_join_v1(struct request *req);
enum errcode federation_send_join_v2(struct request *req);

/* leaving-v1.yaml, leaving-v2.yaml */
enum errcode federation_make_leave(struct request *req);
enum errcode federation_send_leave_v1(struct request *req);
enum errcode federation_send_leave_v2(struct request *req);

/* knocks.yaml */
enum errcode federation_make_knock(struct request *req);
enum errcode federation_send_knock(struct request *req);

/* invites-v1.yaml, invites-v2.yaml */
enum errcode federation_send_invite_v1(struct request *req);
enum errcode federation_send_invite_v2(struct request *req);

/* third_party_invite.yaml */
enum errcode federation_on_bind_third_party_identifier(struct request *req);
enum errcode federation_exchange_third_party_invite(struct request *req);

/* events.yaml, event_auth.yaml, backfill.yaml */
enum errcode federation_get_event(struct request *req);
enum errcode federation_get_room_state(struct request *req);
enum errcode federation_get_room_state_ids(struct request *req);
enum errcode federation_get_event_by_timestamp(struct request *req);
enum errcode federation_get_event_auth(struct request *req);
enum errcode federation_backfill_room(struct request *req);
enum errcode federation_get_missing_previous_events(struct request *req);

/* query.yaml, public_rooms.yaml, space_hierarchy.yaml, openid.yaml */
enum errcode federation_query_room_directory(struct request *req);
enum errcode federation_query_profile(struct request *req);
enum errcode federation_query_info(struct request *req);
enum errcode federation_get_public_rooms(struct request *req);
enum errcode federation_query_public_rooms(struct request *req);
enum errcode federation_get_space_hierarchy(struct request *req);
enum errcode federation_exchange_open_id_token(struct request *req);

/* user_devices.yaml, user_keys.yaml */
enum errcode federation_get_user_devices(struct request *req);
enum errcode federation_query_user_encryption_keys(struct request *req);
enum errcode federation_claim_user_encryption_keys(struct request *req);

#endif
