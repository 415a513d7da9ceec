#ifndef HOMESERVER_CLIENT_API_THREEPID_REQUEST_H
#define HOMESERVER_CLIENT_API_THREEPID_REQUEST_H

#include "homeserver/accounts/threepids.h"

struct request;

/* The …/email/requestToken operations, which differ in what the proof is for. */
enum errcode respond_email_validation(struct request *req, enum email_purpose purpose) MUST_CHECK;

/* The …/msisdn/requestToken operations: this server sends no short messages. */
enum errcode refuse_phone_validation(struct request *req) MUST_CHECK;

#endif
