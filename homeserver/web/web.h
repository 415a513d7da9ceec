#ifndef HOMESERVER_WEB_WEB_H
#define HOMESERVER_WEB_WEB_H

#include "homeserver/base/error.h"

struct request;

/* Pages for people, one line per operation. */

/* email_validation.c */
enum errcode web_get_email_page(struct request *req);
enum errcode web_submit_email_page(struct request *req);

/* login_fallback.c */
enum errcode web_get_login_page(struct request *req);

/* scripts.c */
enum errcode web_get_login_script(struct request *req);
enum errcode web_get_uia_script(struct request *req);

/* sso_login_redirect.c */
enum errcode web_redirect_to_cas(struct request *req);
enum errcode web_redirect_to_idp(struct request *req);
enum errcode web_redirect_to_sso(struct request *req);

/* uia_fallback.c */
enum errcode web_get_uia_page(struct request *req);
enum errcode web_submit_uia_page(struct request *req);

/* unsubscribe.c */
enum errcode web_get_unsubscribe_page(struct request *req);
enum errcode web_submit_unsubscribe_page(struct request *req);

#endif
