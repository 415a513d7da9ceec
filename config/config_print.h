#ifndef CONFIG_CONFIG_PRINT_H
#define CONFIG_CONFIG_PRINT_H

struct arena;
struct config_node;

/* All settings with their explanations as YAML: the values of a checked tree with its defaults
 * filled in, and examples as comments for what is unset. Reading the text gives the same
 * configuration. */
const char *config_print(struct arena *arena, const struct config_node *root);

#endif
