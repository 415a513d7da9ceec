#ifndef CONFIG_CONFIG_OVERRIDE_H
#define CONFIG_CONFIG_OVERRIDE_H

struct arena;
struct config_node;
struct config_report;

/*
 * Settings from outside the file. Both spellings reach every key; items of a list of sections are
 * counted from 0, and the number after the last adds one:
 *
 *     BEFFROI__registration__mode=open            --set registration.mode=open
 *     BEFFROI__listeners__0__address=[::]:8008    --set listeners.0.address=[::]:8008
 *     BEFFROI__federation__allow=a.org,b.org      --set 'federation.allow=[a.org, b.org]'
 *
 * An empty value unsets the key, so that its default counts.
 */
#define CONFIG_ENVIRONMENT_PREFIX "BEFFROI__"

/* Applies the variables of an environment (as environ(7)) that begin with the prefix. */
void config_override_environment(struct arena *arena, struct config_node *root,
                                 const char *const *environment, struct config_report *report);

/* Applies "section.key=value" texts; the array ends in NULL. */
void config_override_settings(struct arena *arena, struct config_node *root,
                              const char *const *settings, struct config_report *report);

#endif
