/*
 * THE route table. A row is a complete security statement: who may call, how often, with how much
 * body, what works while an account is locked or suspended. Paths are spelled as in the
 * specification; tests/lint/check_routes.py compares the rows with it.
 */
#include "homeserver/server/routes.h"

#include "federation/api/federation_api.h"
#include "homeserver/admin_api/admin_api.h"
#include "homeserver/base/compiler.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/server/health.h"
#include "homeserver/web/web.h"

/* method, path, handler, access, limit, body, flags */
/* clang-format off */
const struct route routes[] = {
    /* ── The server itself ──────────────────────────────────────────────────────────────────── */
    {GET,    "/health/live",                                          health_get_live,            ANYONE, LIMIT_NONE,    NO_BODY,   0},
    {GET,    "/health/ready",                                         health_get_ready,           ANYONE, LIMIT_NONE,    NO_BODY,   0},
    {GET,    "/metrics",                                              health_get_metrics,         ANYONE, LIMIT_NONE,    NO_BODY,   0},

    /* ── Client-server API: Versions ────────────────────────────────────────────────────────── */
    {GET,    "/_matrix/client/versions",                              client_get_versions,        OPTIONAL_USER, LIMIT_NONE, NO_BODY, 0},

    /* ── Client-server API: Discovery, capabilities ────────────────────────────────────────── */
    {GET,    "/.well-known/matrix/client",                             client_get_wellknown,       ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/.well-known/matrix/support",                            client_get_wellknown_support,ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/.well-known/matrix/policy_server",                      client_get_wellknown_policy,ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_matrix/client/v3/capabilities",                        client_get_capabilities,    USER, LIMIT_OTHER,      NO_BODY,       0},

    /* ── Server-server API ──────────────────────────────────────────────────────────────────── */
    {GET,    "/.well-known/matrix/server",                             federation_get_well_known,  ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_matrix/key/v2/server",                                 federation_get_server_key,  ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_matrix/key/v2/query/{serverName}",                     federation_perspectives_key_query,ANYONE, LIMIT_FEDERATION, NO_BODY,  0},
    {POST,   "/_matrix/key/v2/query",                                  federation_bulk_perspectives_key_query,ANYONE, LIMIT_FEDERATION, JSON_BODY, 0},
    {GET,    "/_matrix/federation/v1/version",                         federation_get_version,     ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_matrix/federation/v1/media/download/{mediaId}",         federation_get_content,     SERVER, LIMIT_FEDERATION, NO_BODY, PARKS},
    {GET,    "/_matrix/federation/v1/media/thumbnail/{mediaId}",        federation_get_content_thumbnail, SERVER, LIMIT_FEDERATION, NO_BODY, PARKS},
    {PUT,    "/_matrix/federation/v1/send/{txnId}",                    federation_send_transaction,SERVER, LIMIT_FEDERATION, JSON_BODY,     0},
    {GET,    "/_matrix/federation/v1/make_join/{roomId}/{userId}",     federation_make_join,       SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {PUT,    "/_matrix/federation/v1/send_join/{roomId}/{eventId}",    federation_send_join_v1,    SERVER, LIMIT_FEDERATION, JSON_BODY, DEPRECATED},
    {PUT,    "/_matrix/federation/v2/send_join/{roomId}/{eventId}",    federation_send_join_v2,    SERVER, LIMIT_FEDERATION, JSON_BODY,     0},
    {GET,    "/_matrix/federation/v1/make_leave/{roomId}/{userId}",    federation_make_leave,      SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {PUT,    "/_matrix/federation/v1/send_leave/{roomId}/{eventId}",   federation_send_leave_v1,   SERVER, LIMIT_FEDERATION, JSON_BODY, DEPRECATED},
    {PUT,    "/_matrix/federation/v2/send_leave/{roomId}/{eventId}",   federation_send_leave_v2,   SERVER, LIMIT_FEDERATION, JSON_BODY,     0},
    {GET,    "/_matrix/federation/v1/make_knock/{roomId}/{userId}",    federation_make_knock,      SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {PUT,    "/_matrix/federation/v1/send_knock/{roomId}/{eventId}",   federation_send_knock,      SERVER, LIMIT_FEDERATION, JSON_BODY,     0},
    {PUT,    "/_matrix/federation/v1/invite/{roomId}/{eventId}",       federation_send_invite_v1,  SERVER, LIMIT_FEDERATION, JSON_BODY,     0},
    {PUT,    "/_matrix/federation/v2/invite/{roomId}/{eventId}",       federation_send_invite_v2,  SERVER, LIMIT_FEDERATION, JSON_BODY,     0},
    {PUT,    "/_matrix/federation/v1/exchange_third_party_invite/{roomId}",federation_exchange_third_party_invite,SERVER, LIMIT_FEDERATION, JSON_BODY, 0},
    {PUT,    "/_matrix/federation/v1/3pid/onbind",                     federation_on_bind_third_party_identifier,ANYONE, LIMIT_FEDERATION, JSON_BODY, CALLS_OUT},
    {POST,   "/_matrix/federation/v1/3pid/onbind",                     federation_on_bind_third_party_identifier,ANYONE, LIMIT_FEDERATION, JSON_BODY, CALLS_OUT},
    {GET,    "/_matrix/federation/v1/event/{eventId}",                 federation_get_event,       SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {GET,    "/_matrix/federation/v1/state/{roomId}",                  federation_get_room_state,  SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {GET,    "/_matrix/federation/v1/state_ids/{roomId}",              federation_get_room_state_ids,SERVER, LIMIT_FEDERATION, NO_BODY,     0},
    {GET,    "/_matrix/federation/v1/timestamp_to_event/{roomId}",     federation_get_event_by_timestamp,SERVER, LIMIT_FEDERATION, NO_BODY, 0},
    {GET,    "/_matrix/federation/v1/event_auth/{roomId}/{eventId}",   federation_get_event_auth,  SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {GET,    "/_matrix/federation/v1/backfill/{roomId}",               federation_backfill_room,   SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {POST,   "/_matrix/federation/v1/get_missing_events/{roomId}",     federation_get_missing_previous_events,SERVER, LIMIT_FEDERATION, JSON_BODY, 0},
    {GET,    "/_matrix/federation/v1/query/directory",                 federation_query_room_directory,SERVER, LIMIT_FEDERATION, NO_BODY,   0},
    {GET,    "/_matrix/federation/v1/query/profile",                   federation_query_profile,   SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {GET,    "/_matrix/federation/v1/query/{queryType}",               federation_query_info,      SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {GET,    "/_matrix/federation/v1/publicRooms",                     federation_get_public_rooms,SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {POST,   "/_matrix/federation/v1/publicRooms",                     federation_query_public_rooms,SERVER, LIMIT_FEDERATION, JSON_BODY,   0},
    {GET,    "/_matrix/federation/v1/hierarchy/{roomId}",              federation_get_space_hierarchy,SERVER, LIMIT_FEDERATION, NO_BODY,    0},
    {GET,    "/_matrix/federation/v1/openid/userinfo",                 federation_exchange_open_id_token,ANYONE, LIMIT_FEDERATION, NO_BODY, 0},
    {GET,    "/_matrix/federation/v1/user/devices/{userId}",           federation_get_user_devices,SERVER, LIMIT_FEDERATION, NO_BODY,       0},
    {POST,   "/_matrix/federation/v1/user/keys/query",                 federation_query_user_encryption_keys,SERVER, LIMIT_FEDERATION, JSON_BODY, 0},
    {POST,   "/_matrix/federation/v1/user/keys/claim",                 federation_claim_user_encryption_keys,SERVER, LIMIT_FEDERATION, JSON_BODY, 0},

    /* ── Client-server API: Login, logout, tokens ──────────────────────────────────────────── */
    {GET,    "/_matrix/client/v3/login",                               client_get_login_flows,     ANYONE, LIMIT_OTHER,      NO_BODY,       0},
    {POST,   "/_matrix/client/v3/login",                               client_login,               ANYONE, LIMIT_LOGIN,      JSON_BODY,     KNOWS_APPSERVICES},
    {POST,   "/_matrix/client/v1/login/get_token",                     client_generate_login_token,USER, LIMIT_LOGIN,      JSON_BODY,     WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/logout",                              client_logout,              USER, LIMIT_NONE,       NO_BODY,       WHILE_LOCKED | WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/logout/all",                          client_logout_all,          USER, LIMIT_NONE,       NO_BODY,       WHILE_LOCKED | WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v1/auth_metadata",                       client_get_auth_metadata,   ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {POST,   "/_matrix/client/v3/refresh",                             client_refresh,             ANYONE, LIMIT_OTHER,      JSON_BODY,     0},

    /* ── Client-server API: Registration ───────────────────────────────────────────────────── */
    {POST,   "/_matrix/client/v3/register",                            client_register,            ANYONE, LIMIT_REGISTRATION,JSON_BODY,     KNOWS_APPSERVICES},
    {GET,    "/_matrix/client/v3/register/available",                  client_check_username_availability,ANYONE, LIMIT_REGISTRATION,NO_BODY,       0},
    {GET,    "/_matrix/client/v1/register/m.login.registration_token/validity",client_registration_token_validity,ANYONE, LIMIT_REGISTRATION,NO_BODY,       0},
    {GET,    "/_synapse/admin/v1/register",                            client_get_registration_nonce,ANYONE, LIMIT_REGISTRATION,NO_BODY,       0},
    {POST,   "/_synapse/admin/v1/register",                            client_register_with_shared_secret,ANYONE, LIMIT_REGISTRATION,JSON_BODY,     0},

    /* ── Client-server API: Account management ─────────────────────────────────────────────── */
    {GET,    "/_matrix/client/v3/account/whoami",                      client_get_token_owner,     GUEST, LIMIT_OTHER,      NO_BODY,       0},
    {POST,   "/_matrix/client/v3/account/password",                    client_change_password,     OPTIONAL_USER, LIMIT_LOGIN,      JSON_BODY,     WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/account/deactivate",                  client_deactivate_account,  OPTIONAL_USER, LIMIT_LOGIN,      JSON_BODY,     WHILE_SUSPENDED | CALLS_OUT},
    {GET,    "/_matrix/client/v3/account/3pid",                        client_get_account3_pids,   USER, LIMIT_NONE,       NO_BODY,       0},
    {POST,   "/_matrix/client/v3/account/3pid",                        client_post3_pids,          USER, LIMIT_OTHER,      JSON_BODY,     DEPRECATED | CALLS_OUT},
    {POST,   "/_matrix/client/v3/account/3pid/add",                    client_add3_pid,            USER, LIMIT_LOGIN,      JSON_BODY,     0},
    {POST,   "/_matrix/client/v3/account/3pid/bind",                   client_bind3_pid,           USER, LIMIT_OTHER,      JSON_BODY,     CALLS_OUT},
    {POST,   "/_matrix/client/v3/account/3pid/unbind",                 client_unbind3pid_from_account,USER, LIMIT_NONE,       JSON_BODY,     CALLS_OUT},
    {POST,   "/_matrix/client/v3/account/3pid/email/requestToken",     client_request_token_to3_pid_email,ANYONE, LIMIT_THREEPID,   JSON_BODY,     CALLS_OUT},
    {POST,   "/_matrix/client/v3/account/3pid/msisdn/requestToken",    client_request_token_to3_pid_msisdn,ANYONE, LIMIT_THREEPID,   JSON_BODY,     0},
    {POST,   "/_matrix/client/v3/account/password/email/requestToken", client_request_token_to_reset_password_email,ANYONE, LIMIT_THREEPID,   JSON_BODY,     CALLS_OUT},
    {POST,   "/_matrix/client/v3/account/password/msisdn/requestToken",client_request_token_to_reset_password_msisdn,ANYONE, LIMIT_THREEPID,   JSON_BODY,     0},
    {POST,   "/_matrix/client/v3/register/email/requestToken",         client_request_token_to_register_email,ANYONE, LIMIT_THREEPID,   JSON_BODY,     CALLS_OUT},
    {POST,   "/_matrix/client/v3/register/msisdn/requestToken",        client_request_token_to_register_msisdn,ANYONE, LIMIT_THREEPID,   JSON_BODY,     0},
    {POST,   "/_matrix/client/v3/account/3pid/delete",                 client_delete3pid_from_account,USER, LIMIT_NONE,       JSON_BODY,     CALLS_OUT},

    /* ── Client-server API: Devices ────────────────────────────────────────────────────────── */
    {GET,    "/_matrix/client/v3/devices",                             client_get_devices,         GUEST, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_matrix/client/v3/devices/{deviceId}",                  client_get_device,          GUEST, LIMIT_NONE,       NO_BODY,       0},
    {PUT,    "/_matrix/client/v3/devices/{deviceId}",                  client_update_device,       GUEST, LIMIT_OTHER,      JSON_BODY,     WHILE_SUSPENDED},
    {DELETE, "/_matrix/client/v3/devices/{deviceId}",                  client_delete_device,       USER, LIMIT_NONE,       JSON_OPTIONAL, WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/delete_devices",                      client_delete_devices,      USER, LIMIT_NONE,       JSON_BODY,     WHILE_SUSPENDED},

    /* ── Client-server API: Profiles ───────────────────────────────────────────────────────── */
    {GET,    "/_matrix/client/v3/profile/{userId}",                    client_get_user_profile,    ANYONE, LIMIT_NONE,       NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/v3/profile/{userId}/{keyName}",          client_get_profile_field,   ANYONE, LIMIT_NONE,       NO_BODY,       CALLS_OUT},
    {PUT,    "/_matrix/client/v3/profile/{userId}/{keyName}",          client_set_profile_field,   GUEST, LIMIT_OTHER,      JSON_BODY,     CALLS_OUT},
    {DELETE, "/_matrix/client/v3/profile/{userId}/{keyName}",          client_delete_profile_field,GUEST, LIMIT_OTHER,      NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}",client_get_user_profile,    ANYONE, LIMIT_NONE,       NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}",client_get_profile_field,   ANYONE, LIMIT_NONE,       NO_BODY,       CALLS_OUT},
    {PUT,    "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}",client_set_profile_field,   GUEST, LIMIT_OTHER,      JSON_BODY,     CALLS_OUT},
    {DELETE, "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{userId}/{keyName}",client_delete_profile_field,GUEST, LIMIT_OTHER,      NO_BODY,       CALLS_OUT},

    /* ── Client-server API: Content repository ─────────────────────────────────────────────── */
    {POST,   "/_matrix/media/v3/upload",                                       client_upload_content, USER, LIMIT_MEDIA, STREAM_BODY, CALLS_OUT},
    {PUT,    "/_matrix/media/v3/upload/{serverName}/{mediaId}",                client_upload_content_to_mxc, USER, LIMIT_MEDIA, STREAM_BODY, CALLS_OUT},
    {POST,   "/_matrix/media/v1/create",                                       client_create_content, USER, LIMIT_MEDIA, JSON_OPTIONAL, 0},
    {GET,    "/_matrix/client/v1/media/config",                                client_get_config_authed, USER, LIMIT_MEDIA, NO_BODY, 0},
    {GET,    "/_matrix/client/v1/media/download/{serverName}/{mediaId}",       client_get_content_authed, GUEST, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT},
    {GET,    "/_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}",client_get_content_override_name_authed, GUEST, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT},
    {GET,    "/_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}",      client_get_content_thumbnail_authed, GUEST, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT},
    {GET,    "/_matrix/client/v1/media/preview_url",                           client_get_url_preview_authed, USER, LIMIT_MEDIA, NO_BODY, CALLS_OUT},
    {GET,    "/_matrix/media/v3/preview_url",                                  client_get_url_preview, USER, LIMIT_MEDIA, NO_BODY, CALLS_OUT | DEPRECATED},
    {GET,    "/_matrix/media/v3/config",                                       client_get_config, USER, LIMIT_MEDIA, NO_BODY, DEPRECATED},
    {GET,    "/_matrix/media/v3/thumbnail/{serverName}/{mediaId}",             client_get_content_thumbnail, ANYONE, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT | DEPRECATED},
    {GET,    "/_matrix/media/v3/download/{serverName}/{mediaId}",              client_get_content, ANYONE, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT | DEPRECATED},
    {GET,    "/_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}",   client_get_content_override_name, ANYONE, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT | DEPRECATED},
    /* Names of before Matrix 1.1 that clients still use. */
    {POST,   "/_matrix/media/r0/upload",                                       client_upload_content, USER, LIMIT_MEDIA, STREAM_BODY, CALLS_OUT | DEPRECATED},
    {GET,    "/_matrix/media/r0/preview_url",                                  client_get_url_preview, USER, LIMIT_MEDIA, NO_BODY, CALLS_OUT | DEPRECATED},
    {GET,    "/_matrix/media/r0/config",                                       client_get_config, USER, LIMIT_MEDIA, NO_BODY, DEPRECATED},
    {GET,    "/_matrix/media/r0/thumbnail/{serverName}/{mediaId}",             client_get_content_thumbnail, ANYONE, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT | DEPRECATED},
    {GET,    "/_matrix/media/r0/download/{serverName}/{mediaId}",              client_get_content, ANYONE, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT | DEPRECATED},
    {GET,    "/_matrix/media/r0/download/{serverName}/{mediaId}/{fileName}",   client_get_content_override_name, ANYONE, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT | DEPRECATED},

    /* ── The content scanner's API ─────────────────────────────────────────────────────────── */
    {GET,    "/_matrix/media_proxy/unstable/public_key",                       client_get_scanner_key, ANYONE, LIMIT_NONE, NO_BODY, 0},
    {GET,    "/_matrix/media_proxy/unstable/scan/{serverName}/{mediaId}",      client_scan_media, OPTIONAL_USER, LIMIT_MEDIA, NO_BODY, CALLS_OUT},
    {GET,    "/_matrix/media_proxy/unstable/download/{serverName}/{mediaId}",  client_download_scanned, OPTIONAL_USER, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT},
    {GET,    "/_matrix/media_proxy/unstable/thumbnail/{serverName}/{mediaId}", client_thumbnail_scanned, OPTIONAL_USER, LIMIT_MEDIA, NO_BODY, PARKS | CALLS_OUT},
    {POST,   "/_matrix/media_proxy/unstable/scan_encrypted",                   client_scan_encrypted, OPTIONAL_USER, LIMIT_MEDIA, RAW_BODY, CALLS_OUT},
    {POST,   "/_matrix/media_proxy/unstable/download_encrypted",               client_download_encrypted, OPTIONAL_USER, LIMIT_MEDIA, RAW_BODY, CALLS_OUT},

    /* ── Client-server API: OpenID ─────────────────────────────────────────────────────────── */
    {POST,   "/_matrix/client/v3/user/{userId}/openid/request_token",  client_request_open_id_token,USER, LIMIT_OTHER,      JSON_OPTIONAL, WHILE_SUSPENDED},

    /* ── Client-server API: Server administration ──────────────────────────────────────────── */
    {GET,    "/_matrix/client/v3/admin/whois/{userId}",                client_get_who_is,          USER, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_matrix/client/v1/admin/lock/{userId}",                 client_get_admin_lock_user, ADMIN, LIMIT_NONE,       NO_BODY,       0},
    {PUT,    "/_matrix/client/v1/admin/lock/{userId}",                 client_set_admin_lock_user, ADMIN, LIMIT_NONE,       JSON_BODY,     0},
    {GET,    "/_matrix/client/v1/admin/suspend/{userId}",              client_get_admin_suspend_user,ADMIN, LIMIT_NONE,       NO_BODY,       0},
    {PUT,    "/_matrix/client/v1/admin/suspend/{userId}",              client_set_admin_suspend_user,ADMIN, LIMIT_NONE,       JSON_BODY,     0},
    /* ── Client-server API: Account data, tags, filters ─────────────────────────────────────── */
    {GET,    "/_matrix/client/v3/user/{userId}/account_data/{type}",  client_get_account_data,    USER,   LIMIT_NONE,    NO_BODY,   0},
    {PUT,    "/_matrix/client/v3/user/{userId}/account_data/{type}",  client_set_account_data,    USER,   LIMIT_NONE,    JSON_BODY, WHILE_SUSPENDED},
    {DELETE, "/_matrix/client/unstable/org.matrix.msc3391/user/{userId}/account_data/{type}", client_delete_account_data, USER, LIMIT_NONE, NO_BODY, WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}", client_get_account_data_per_room, USER, LIMIT_NONE, NO_BODY, 0},
    {PUT,    "/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}", client_set_account_data_per_room, USER, LIMIT_NONE, JSON_BODY, WHILE_SUSPENDED},
    {DELETE, "/_matrix/client/unstable/org.matrix.msc3391/user/{userId}/rooms/{roomId}/account_data/{type}", client_delete_account_data_per_room, USER, LIMIT_NONE, NO_BODY, WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags",  client_get_room_tags,       USER,   LIMIT_NONE,    NO_BODY,   0},
    {PUT,    "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}", client_set_room_tag,   USER,   LIMIT_NONE,    JSON_BODY, WHILE_SUSPENDED},
    {DELETE, "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}", client_delete_room_tag, USER,  LIMIT_NONE,    NO_BODY,   WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/user/{userId}/filter",               client_define_filter,       USER,   LIMIT_NONE,    JSON_BODY, WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/user/{userId}/filter/{filterId}",    client_get_filter,          USER,   LIMIT_NONE,    NO_BODY,   0},

    /* ── Client-server API: Receipts, typing, presence ──────────────────────────────────────── */
    {POST,   "/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}", client_post_receipt, USER, LIMIT_OTHER, JSON_OPTIONAL, WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/read_markers",        client_set_read_marker,     USER,   LIMIT_OTHER,   JSON_BODY, WHILE_SUSPENDED},
    {PUT,    "/_matrix/client/v3/rooms/{roomId}/typing/{userId}",     client_set_typing,          USER,   LIMIT_OTHER,   JSON_BODY, 0},
    {GET,    "/_matrix/client/v3/presence/{userId}/status",           client_get_presence,        USER,   LIMIT_NONE,    NO_BODY,   0},
    {PUT,    "/_matrix/client/v3/presence/{userId}/status",           client_set_presence,        USER,   LIMIT_OTHER,   JSON_BODY, 0},
    /* ── Client-server API: Room creation, membership ───────────────────────────────── */
    {POST,   "/_matrix/client/v3/createRoom",                                           client_create_room,               USER,   LIMIT_JOIN,    JSON_BODY,     CALLS_OUT},
    {GET,    "/_matrix/client/v3/joined_rooms",                                         client_get_joined_rooms,          USER,   LIMIT_NONE,    NO_BODY,       0},
    {POST,   "/_matrix/client/v3/join/{roomIdOrAlias}",                                 client_join_room,                 GUEST,  LIMIT_JOIN,    JSON_OPTIONAL, CALLS_OUT},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/join",                                  client_join_room_by_id,           GUEST,  LIMIT_JOIN,    JSON_OPTIONAL, CALLS_OUT},
    {POST,   "/_matrix/client/v3/knock/{roomIdOrAlias}",                                client_knock_room,                USER,   LIMIT_JOIN,    JSON_OPTIONAL, CALLS_OUT},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/invite",                                client_invite_user,               USER,   LIMIT_INVITE,  JSON_BODY,     CALLS_OUT},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/leave",                                 client_leave_room,                GUEST,  LIMIT_OTHER,   JSON_OPTIONAL, WHILE_SUSPENDED | CALLS_OUT},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/forget",                                client_forget_room,               USER,   LIMIT_OTHER,   JSON_OPTIONAL, WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/kick",                                  client_kick,                      USER,   LIMIT_NONE,    JSON_BODY,     0},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/ban",                                   client_ban,                       USER,   LIMIT_NONE,    JSON_BODY,     0},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/unban",                                 client_unban,                     USER,   LIMIT_NONE,    JSON_BODY,     0},

    /* ── Client-server API: Room participation ──────────────────────────────────────── */
    {POST,   "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync",             client_sliding_sync,              GUEST,  LIMIT_NONE,    JSON_OPTIONAL, PARKS | WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/sync",                                                 client_sync,                      GUEST,  LIMIT_NONE,    NO_BODY,       PARKS | QUICK},
    {PUT,    "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}",              client_send_message,              GUEST,  LIMIT_MESSAGE, JSON_OPTIONAL, 0},
    {PUT,    "/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}",              client_redact_event,              USER,   LIMIT_MESSAGE, JSON_BODY,     WHILE_SUSPENDED},
    {GET,    "/_matrix/client/unstable/org.matrix.msc4140/delayed_events",              client_get_delayed_events,        GUEST,  LIMIT_OTHER,   NO_BODY,       0},
    {GET,    "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}",    client_get_delayed_event,         GUEST,  LIMIT_OTHER,   NO_BODY,       0},
    {POST,   "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}",    client_update_delayed_event_by_body, ANYONE, LIMIT_NONE, JSON_OPTIONAL, 0},
    {POST,   "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/{action}", client_update_delayed_event, ANYONE, LIMIT_NONE,   JSON_OPTIONAL, 0},
    {PUT,    "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}",          client_set_room_state_with_key,   GUEST,  LIMIT_MESSAGE, JSON_BODY,     0},
    {PUT,    "/_matrix/client/v3/rooms/{roomId}/state/{eventType}",                     client_set_room_state,            GUEST,  LIMIT_MESSAGE, JSON_BODY,     0},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/event/{eventId}",                       client_get_one_room_event,        GUEST,  LIMIT_NONE,    NO_BODY,       0},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/state",                                 client_get_room_state,            GUEST,  LIMIT_NONE,    NO_BODY,       PARKS},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}",          client_get_room_state_with_key,   GUEST,  LIMIT_NONE,    NO_BODY,       PARKS},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/state/{eventType}",                     client_get_room_state_without_key,GUEST,  LIMIT_NONE,    NO_BODY,       0},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/members",                               client_get_members_by_room,       GUEST,  LIMIT_NONE,    NO_BODY,       PARKS},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/joined_members",                        client_get_joined_members_by_room,USER,   LIMIT_NONE,    NO_BODY,       PARKS},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/messages",                              client_get_room_events,           GUEST,  LIMIT_NONE,    NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/context/{eventId}",                     client_get_event_context,         GUEST,  LIMIT_NONE,    NO_BODY,       0},
    {GET,    "/_matrix/client/v1/rooms/{roomId}/timestamp_to_event",                    client_get_event_by_timestamp,    USER,   LIMIT_OTHER,   NO_BODY,       CALLS_OUT},

    /* ── Client-server API: End-to-end encryption ───────────────────────────────────────────── */
    {POST,   "/_matrix/client/v3/keys/upload",                        client_upload_keys,         GUEST,  LIMIT_NONE,    JSON_BODY, WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/keys/query",                         client_query_keys,          GUEST,  LIMIT_NONE,    JSON_BODY, WHILE_SUSPENDED | CALLS_OUT},
    {POST,   "/_matrix/client/v3/keys/claim",                         client_claim_keys,          GUEST,  LIMIT_NONE,    JSON_BODY, WHILE_SUSPENDED | CALLS_OUT},
    {GET,    "/_matrix/client/v3/keys/changes",                       client_get_keys_changes,    USER,   LIMIT_NONE,    NO_BODY,   0},
    {POST,   "/_matrix/client/v3/keys/device_signing/upload",         client_upload_cross_signing_keys, USER, LIMIT_NONE, JSON_BODY, WHILE_SUSPENDED},
    /* matrix-js-sdk up to version 34 knows no other address. */
    {POST,   "/_matrix/client/unstable/keys/device_signing/upload",   client_upload_cross_signing_keys, USER, LIMIT_NONE, JSON_BODY, WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/keys/signatures/upload",             client_upload_cross_signing_signatures, USER, LIMIT_NONE, JSON_BODY, WHILE_SUSPENDED},
    {PUT,    "/_matrix/client/v3/sendToDevice/{eventType}/{txnId}",   client_send_to_device,      GUEST,  LIMIT_NONE,    JSON_BODY, WHILE_SUSPENDED},
    {PUT,    "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device", client_put_dehydrated_device,    USER, LIMIT_OTHER, JSON_BODY, WHILE_SUSPENDED},
    {GET,    "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device", client_get_dehydrated_device,    USER, LIMIT_NONE,  NO_BODY,   0},
    {DELETE, "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device", client_delete_dehydrated_device, USER, LIMIT_OTHER, NO_BODY,   WHILE_SUSPENDED},
    {GET,    "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events", client_get_dehydrated_device_events,  USER, LIMIT_NONE, NO_BODY,       0},
    {POST,   "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events", client_post_dehydrated_device_events, USER, LIMIT_NONE, JSON_OPTIONAL, WHILE_SUSPENDED},
    {POST,   "/_matrix/client/unstable/org.matrix.msc4108/rendezvous",             client_create_rendezvous_session, ANYONE, LIMIT_LOGIN, RAW_BODY, 0},
    {GET,    "/_matrix/client/unstable/org.matrix.msc4108/rendezvous/{sessionId}", client_get_rendezvous_session,    ANYONE, LIMIT_NONE,  NO_BODY,  0},
    {PUT,    "/_matrix/client/unstable/org.matrix.msc4108/rendezvous/{sessionId}", client_update_rendezvous_session, ANYONE, LIMIT_OTHER, RAW_BODY, 0},
    {DELETE, "/_matrix/client/unstable/org.matrix.msc4108/rendezvous/{sessionId}", client_delete_rendezvous_session, ANYONE, LIMIT_OTHER, NO_BODY,  0},
    {POST,   "/_matrix/client/v3/room_keys/version",                             client_post_room_keys_version,         USER, LIMIT_OTHER, JSON_BODY, WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/room_keys/version",                             client_get_room_keys_version_current,  USER, LIMIT_OTHER, NO_BODY,   0},
    {GET,    "/_matrix/client/v3/room_keys/version/{version}",                   client_get_room_keys_version,          USER, LIMIT_OTHER, NO_BODY,   0},
    {PUT,    "/_matrix/client/v3/room_keys/version/{version}",                   client_put_room_keys_version,          USER, LIMIT_OTHER, JSON_BODY, WHILE_SUSPENDED},
    {DELETE, "/_matrix/client/v3/room_keys/version/{version}",                   client_delete_room_keys_version,       USER, LIMIT_OTHER, NO_BODY,   WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/room_keys/keys",                                client_get_room_keys,                  USER, LIMIT_OTHER, NO_BODY,   0},
    {PUT,    "/_matrix/client/v3/room_keys/keys",                                client_put_room_keys,                  USER, LIMIT_OTHER, JSON_BODY, WHILE_SUSPENDED},
    {DELETE, "/_matrix/client/v3/room_keys/keys",                                client_delete_room_keys,               USER, LIMIT_OTHER, NO_BODY,   WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/room_keys/keys/{roomId}",                       client_get_room_keys_by_room_id,       USER, LIMIT_OTHER, NO_BODY,   0},
    {PUT,    "/_matrix/client/v3/room_keys/keys/{roomId}",                       client_put_room_keys_by_room_id,       USER, LIMIT_OTHER, JSON_BODY, WHILE_SUSPENDED},
    {DELETE, "/_matrix/client/v3/room_keys/keys/{roomId}",                       client_delete_room_keys_by_room_id,    USER, LIMIT_OTHER, NO_BODY,   WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}",           client_get_room_key_by_session_id,     USER, LIMIT_OTHER, NO_BODY,   0},
    {PUT,    "/_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}",           client_put_room_key_by_session_id,     USER, LIMIT_OTHER, JSON_BODY, WHILE_SUSPENDED},
    {DELETE, "/_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}",           client_delete_room_key_by_session_id,  USER, LIMIT_OTHER, NO_BODY,   WHILE_SUSPENDED},

    /* ── Client-server API: Push ────────────────────────────────────────────────────────────── */
    {GET,    "/_matrix/client/v3/pushrules/",                         client_get_push_rules,      USER,   LIMIT_NONE,    NO_BODY,   0},
    {GET,    "/_matrix/client/v3/pushrules",                          client_get_push_rules,      USER,   LIMIT_NONE,    NO_BODY,   0},
    {GET,    "/_matrix/client/v3/pushrules/global/",                  client_get_push_rules_global, USER, LIMIT_NONE,    NO_BODY,   0},
    {GET,    "/_matrix/client/v3/pushrules/global",                   client_get_push_rules_global, USER, LIMIT_NONE,    NO_BODY,   0},
    {GET,    "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}",  client_get_push_rule,       USER,   LIMIT_NONE,    NO_BODY,   0},
    {PUT,    "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}",  client_set_push_rule,       USER,   LIMIT_OTHER,   JSON_BODY, WHILE_SUSPENDED},
    {DELETE, "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}",  client_delete_push_rule,    USER,   LIMIT_NONE,    NO_BODY,   WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled", client_is_push_rule_enabled, USER, LIMIT_NONE, NO_BODY, 0},
    {PUT,    "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled", client_set_push_rule_enabled, USER, LIMIT_NONE, JSON_BODY, WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions", client_get_push_rule_actions, USER, LIMIT_NONE, NO_BODY, 0},
    {PUT,    "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions", client_set_push_rule_actions, USER, LIMIT_NONE, JSON_BODY, WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/pushers",                            client_get_pushers,         USER,   LIMIT_NONE,    NO_BODY,   0},
    {POST,   "/_matrix/client/v3/pushers/set",                        client_post_pusher,         USER,   LIMIT_OTHER,   JSON_BODY, WHILE_SUSPENDED},
    {GET,    "/_matrix/client/v3/notifications",                      client_get_notifications,   USER,   LIMIT_NONE,    NO_BODY,   0},

    /* ── Administration API: Media ─────────────────────────────────────────────────────────── */
    {POST,   "/_synapse/admin/v1/media/quarantine/{serverName}/{mediaId}",     admin_quarantine_media, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {POST,   "/_synapse/admin/v1/media/unquarantine/{serverName}/{mediaId}",   admin_unquarantine_media, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {POST,   "/_synapse/admin/v1/media/protect/{mediaId}",                     admin_protect_media, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {POST,   "/_synapse/admin/v1/media/unprotect/{mediaId}",                   admin_unprotect_media, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {POST,   "/_synapse/admin/v1/room/{roomId}/media/quarantine",              admin_quarantine_media_of_room, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {POST,   "/_synapse/admin/v1/user/{userId}/media/quarantine",              admin_quarantine_media_of_user, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {GET,    "/_synapse/admin/v1/room/{roomId}/media",                         admin_list_media_of_room, ADMIN, LIMIT_NONE, NO_BODY, 0},
    {GET,    "/_synapse/admin/v1/users/{userId}/media",                        admin_list_media_of_user, ADMIN, LIMIT_NONE, NO_BODY, 0},
    {DELETE, "/_synapse/admin/v1/users/{userId}/media",                        admin_delete_media_of_user, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {DELETE, "/_synapse/admin/v1/media/{serverName}/{mediaId}",                admin_delete_media, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {POST,   "/_synapse/admin/v1/media/delete",                                admin_delete_media_by_date, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {POST,   "/_synapse/admin/v1/purge_media_cache",                           admin_purge_media_cache, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {GET,    "/_synapse/admin/v1/statistics/users/media",                      admin_get_media_statistics, ADMIN, LIMIT_NONE, NO_BODY, 0},

    /* ── Administration API: Registration tokens ───────────────────────────────────────────── */
    {GET,    "/_synapse/admin/v1/federation/destinations",             admin_list_destinations,    ADMIN, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_synapse/admin/v1/federation/destinations/{destination}", admin_get_destination,    ADMIN, LIMIT_NONE,       NO_BODY,       0},
    {POST,   "/_synapse/admin/v1/federation/destinations/{destination}/reset_connection", admin_reset_destination, ADMIN, LIMIT_NONE, JSON_OPTIONAL, 0},
    {GET,    "/_beffroi/admin/v1/state_resets",                        admin_list_state_resets,    ADMIN, LIMIT_NONE,       NO_BODY,       0},
    {POST,   "/_synapse/admin/v1/send_server_notice",                  admin_send_server_notice,   ADMIN, LIMIT_NONE,       JSON_BODY,     0},
    {PUT,    "/_synapse/admin/v1/send_server_notice/{txnId}",          admin_send_server_notice_once,ADMIN, LIMIT_NONE,       JSON_BODY,     0},
    {GET,    "/_synapse/admin/v1/registration_tokens",                 admin_list_registration_tokens,ADMIN, LIMIT_NONE,       NO_BODY,       0},
    {POST,   "/_synapse/admin/v1/registration_tokens/new",             admin_create_registration_token,ADMIN, LIMIT_NONE,       JSON_OPTIONAL, 0},
    {GET,    "/_synapse/admin/v1/registration_tokens/{token}",         admin_get_registration_token,ADMIN, LIMIT_NONE,       NO_BODY,       0},
    {PUT,    "/_synapse/admin/v1/registration_tokens/{token}",         admin_update_registration_token,ADMIN, LIMIT_NONE,       JSON_BODY,     0},
    {DELETE, "/_synapse/admin/v1/registration_tokens/{token}",         admin_delete_registration_token,ADMIN, LIMIT_NONE,       NO_BODY,       0},
    /* ── Client-server API: Aliases, directory, summaries, spaces ───────────────────── */
    {GET,    "/_matrix/client/v3/directory/room/{roomAlias}",                           client_get_room_id_by_alias,      ANYONE, LIMIT_NONE,    NO_BODY,       CALLS_OUT},
    {PUT,    "/_matrix/client/v3/directory/room/{roomAlias}",                           client_set_room_alias,            USER,   LIMIT_OTHER,   JSON_BODY,     0},
    {DELETE, "/_matrix/client/v3/directory/room/{roomAlias}",                           client_delete_room_alias,         USER,   LIMIT_OTHER,   NO_BODY,       0},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/aliases",                               client_get_local_aliases,         USER,   LIMIT_OTHER,   NO_BODY,       0},
    {GET,    "/_matrix/client/v3/directory/list/room/{roomId}",                         client_get_room_visibility_on_directory, ANYONE, LIMIT_NONE, NO_BODY,   0},
    {PUT,    "/_matrix/client/v3/directory/list/room/{roomId}",                         client_set_room_visibility_on_directory, USER, LIMIT_OTHER, JSON_BODY,  0},
    {PUT,    "/_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}",       client_update_appservice_room_directory_visibility, APPSERVICE, LIMIT_NONE, JSON_BODY, 0},
    {GET,    "/_matrix/client/v3/publicRooms",                                          client_get_public_rooms,          OPTIONAL_USER, LIMIT_SEARCH, NO_BODY, CALLS_OUT},
    {POST,   "/_matrix/client/v3/publicRooms",                                          client_query_public_rooms,        USER,   LIMIT_SEARCH,  JSON_BODY,     WHILE_SUSPENDED | CALLS_OUT},
    {GET,    "/_matrix/client/v1/room_summary/{roomIdOrAlias}",                         client_get_room_summary,          OPTIONAL_USER, LIMIT_SEARCH, NO_BODY, CALLS_OUT},
    {GET,    "/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}",       client_get_room_summary_unstable, OPTIONAL_USER, LIMIT_SEARCH, NO_BODY, CALLS_OUT},
    {GET,    "/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary", client_get_room_summary_unstable, OPTIONAL_USER, LIMIT_SEARCH, NO_BODY, CALLS_OUT},
    {GET,    "/_matrix/client/v1/rooms/{roomId}/hierarchy",                             client_get_space_hierarchy,       USER,   LIMIT_SEARCH,  NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/v1/mutual_rooms",                                         client_get_mutual_rooms,          USER,   LIMIT_SEARCH,  NO_BODY,       0},
    {GET,    "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms",         client_get_mutual_rooms_unstable, USER,   LIMIT_SEARCH,  NO_BODY,       0},

    /* ── Client-server API: Room upgrades ───────────────────────────────────────────────────────── */
    {POST,   "/_matrix/client/v3/rooms/{roomId}/upgrade",                                 client_upgrade_room,              USER,   LIMIT_JOIN,    JSON_BODY,     CALLS_OUT},

    /* ── Client-server API: Relations, threads ──────────────────────────────────────────────────── */
    {GET,    "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}",                     client_get_relating_events,       USER,   LIMIT_NONE,    NO_BODY,       0},
    {GET,    "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}",           client_get_relating_events_with_rel_type, USER, LIMIT_NONE, NO_BODY,    0},
    {GET,    "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}", client_get_relating_events_with_rel_type_and_event_type, USER, LIMIT_NONE, NO_BODY, 0},
    {GET,    "/_matrix/client/v1/rooms/{roomId}/threads",                                 client_get_thread_roots,          USER,   LIMIT_OTHER,   NO_BODY,       0},
    {PUT,    "/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription", client_subscribe_to_thread, USER, LIMIT_OTHER, JSON_BODY, 0},
    {GET,    "/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription", client_get_thread_subscription, USER, LIMIT_OTHER, NO_BODY, 0},
    {DELETE, "/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription", client_unsubscribe_from_thread, USER, LIMIT_OTHER, NO_BODY, WHILE_SUSPENDED},
    {GET,    "/_matrix/client/unstable/io.element.msc4308/thread_subscriptions",          client_get_thread_subscriptions,  USER,   LIMIT_OTHER,   NO_BODY,       0},

    /* ── Client-server API: User directory, reports, networks, calls ────────────────────────────── */
    {POST,   "/_matrix/client/v3/user_directory/search",                                    client_search_user_directory,     USER,   LIMIT_SEARCH,  JSON_BODY,     WHILE_SUSPENDED},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/report",                                    client_report_room,               USER,   LIMIT_OTHER,   JSON_BODY,     0},
    {POST,   "/_matrix/client/v3/rooms/{roomId}/report/{eventId}",                          client_report_event,              USER,   LIMIT_OTHER,   JSON_BODY,     0},
    {POST,   "/_matrix/client/v3/users/{userId}/report",                                    client_report_user,               USER,   LIMIT_OTHER,   JSON_BODY,     0},
    {GET,    "/_matrix/client/v3/thirdparty/protocols",                                     client_get_protocols,             USER,   LIMIT_NONE,    NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/v3/thirdparty/protocol/{protocol}",                           client_get_protocol_metadata,     USER,   LIMIT_NONE,    NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/v3/thirdparty/location/{protocol}",                           client_query_location_by_protocol, USER,   LIMIT_NONE,    NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/v3/thirdparty/user/{protocol}",                               client_query_user_by_protocol,    USER,   LIMIT_NONE,    NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/v3/thirdparty/location",                                      client_query_location_by_alias,   USER,   LIMIT_NONE,    NO_BODY,       CALLS_OUT},
    {GET,    "/_matrix/client/v3/thirdparty/user",                                          client_query_user_by_id,          USER,   LIMIT_NONE,    NO_BODY,       CALLS_OUT},
    {POST,   "/_matrix/client/v1/appservice/{appserviceId}/ping",                           client_ping_appservice,           APPSERVICE, LIMIT_NONE, JSON_BODY,    CALLS_OUT},
    {GET,    "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports",              client_get_rtc_transports,        GUEST,  LIMIT_OTHER,   NO_BODY,       0},
    {GET,    "/_matrix/client/v3/voip/turnServer",                                          client_get_turn_server,           USER,   LIMIT_OTHER,   NO_BODY,       0},

    /* ── Client-server API: Search ──────────────────────────────────────────────────────────────── */
    {POST,   "/_matrix/client/v3/search",                                               client_search,                    USER,   LIMIT_SEARCH,  JSON_BODY,     WHILE_SUSPENDED},

    /* ── Client-server API: Ways to synchronise from before /sync ───────────────────────────────── */
    {GET,    "/_matrix/client/v3/events",                                                 client_get_events,                GUEST,  LIMIT_NONE,    NO_BODY,       PARKS},
    {GET,    "/_matrix/client/v3/events/{eventId}",                                       client_get_one_event,             USER,   LIMIT_NONE,    NO_BODY,       DEPRECATED},
    {GET,    "/_matrix/client/v3/initialSync",                                            client_initial_sync,              USER,   LIMIT_OTHER,   NO_BODY,       DEPRECATED},
    {GET,    "/_matrix/client/v3/rooms/{roomId}/initialSync",                             client_room_initial_sync,         GUEST,  LIMIT_NONE,    NO_BODY,       0},
    /* ── Pages for people ──────────────────────────────────────────────────────────────────── */
    {GET,    "/_matrix/static/client/login/",                          web_get_login_page,         ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_matrix/client/v3/login/sso/redirect",                  web_redirect_to_sso,        ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_matrix/client/v3/login/sso/redirect/{idpId}",          web_redirect_to_idp,        ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_matrix/client/v3/login/cas/redirect",                  web_redirect_to_cas,        ANYONE, LIMIT_NONE,       NO_BODY,       DEPRECATED},
    {GET,    "/_matrix/client/v3/auth/{authType}/fallback/web",        web_get_uia_page,           ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {POST,   "/_beffroi/auth/{authType}",                              web_submit_uia_page,        ANYONE, LIMIT_LOGIN,      RAW_BODY,      CALLS_OUT},
    {GET,    "/_beffroi/email",                                        web_get_email_page,         ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {POST,   "/_beffroi/email",                                        web_submit_email_page,      ANYONE, LIMIT_LOGIN,      RAW_BODY,      0},
    {GET,    "/_beffroi/unsubscribe",                                  web_get_unsubscribe_page,   ANYONE, LIMIT_LOGIN,      NO_BODY,       0},
    {POST,   "/_beffroi/unsubscribe",                                  web_submit_unsubscribe_page,ANYONE, LIMIT_LOGIN,      RAW_BODY,      0},
    {GET,    "/_beffroi/static/login.js",                              web_get_login_script,       ANYONE, LIMIT_NONE,       NO_BODY,       0},
    {GET,    "/_beffroi/static/uia.js",                                web_get_uia_script,         ANYONE, LIMIT_NONE,       NO_BODY,       0},
};
/* clang-format on */

const size_t route_count = COUNT_OF(routes);
