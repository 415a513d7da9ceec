#ifndef CONFIG_CONFIG_CHECK_H
#define CONFIG_CONFIG_CHECK_H

#include <stdint.h>

struct config;
struct config_node;
struct config_report;

/* Rules across settings and the form of names, addresses and URLs. The tree tells where a setting
 * was written. Every value has the right kind already. */
void config_check(const struct config *config, const struct config_node *root,
                  struct config_report *report);

/* YYYY-MM-DD as the milliseconds since 1970 at which the day begins (UTC); -1 for another text. */
int64_t config_check_day(const char *text);

#endif
