#ifndef HOMESERVER_NET_CERTIFICATE_NAMES_H
#define HOMESERVER_NET_CERTIFICATE_NAMES_H

#include <curl/curl.h>

/* Makes the handle refuse certificates that name their server only in the subject ("CN="), as RFC
 * 9525 and all other Matrix servers do; curl would take that for want of alternative names. */
CURLcode certificate_names_require(CURL *easy);

#endif
