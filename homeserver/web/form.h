#ifndef HOMESERVER_WEB_FORM_H
#define HOMESERVER_WEB_FORM_H

#include "homeserver/base/error.h"

struct request;

/* A field of a submitted form (application/x-www-form-urlencoded); NULL when it is absent or not
 * valid UTF-8 text. The first of doubled fields counts. */
const char *form_field(struct request *req, const char *name);

/* M_FORBIDDEN when a browser says that the form came from another site. */
enum errcode form_check_origin(struct request *req) MUST_CHECK;

#endif
