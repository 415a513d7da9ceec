#ifndef HOMESERVER_ADMIN_API_ADMIN_API_H
#define HOMESERVER_ADMIN_API_ADMIN_API_H

#include "homeserver/base/error.h"

struct request;

/*
 * Handlers of the administration API, one line per operation. Where Synapse has an endpoint for the
 * same purpose, its path and its bodies are spoken, so that existing tools work.
 */

/* federation.c */
enum errcode admin_get_destination(struct request *req);
enum errcode admin_list_destinations(struct request *req);
enum errcode admin_reset_destination(struct request *req);

/* media.c */
enum errcode admin_delete_media(struct request *req);
enum errcode admin_delete_media_by_date(struct request *req);
enum errcode admin_delete_media_of_user(struct request *req);
enum errcode admin_get_media_statistics(struct request *req);
enum errcode admin_list_media_of_room(struct request *req);
enum errcode admin_list_media_of_user(struct request *req);
enum errcode admin_protect_media(struct request *req);
enum errcode admin_purge_media_cache(struct request *req);
enum errcode admin_quarantine_media(struct request *req);
enum errcode admin_quarantine_media_of_room(struct request *req);
enum errcode admin_quarantine_media_of_user(struct request *req);
enum errcode admin_unprotect_media(struct request *req);
enum errcode admin_unquarantine_media(struct request *req);

/* registration_tokens.c */
enum errcode admin_create_registration_token(struct request *req);
enum errcode admin_delete_registration_token(struct request *req);
enum errcode admin_get_registration_token(struct request *req);
enum errcode admin_list_registration_tokens(struct request *req);
enum errcode admin_update_registration_token(struct request *req);

/* server_notices.c */
enum errcode admin_send_server_notice(struct request *req);
enum errcode admin_send_server_notice_once(struct request *req);

/* state_resets.c */
enum errcode admin_list_state_resets(struct request *req);

#endif
