#ifndef FEDERATION_API_MEMBERSHIP_REQUEST_H
#define FEDERATION_API_MEMBERSHIP_REQUEST_H

#include "federation/receiver/handshake.h"
#include "homeserver/http/request.h"

/* What make_join, make_leave and make_knock share: reads the path, answers with the template. */
enum errcode respond_membership_template(struct request *req, const char *membership) MUST_CHECK;

/* What send_join, send_leave and send_knock share: reads path and body, sends the event. */
enum errcode receive_membership_event(struct request *req, const char *membership,
                                      struct server_view *view_out,
                                      struct handshake_event *out) MUST_CHECK;

#endif
