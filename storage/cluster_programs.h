#ifndef STORAGE_CLUSTER_PROGRAMS_H
#define STORAGE_CLUSTER_PROGRAMS_H

#include "homeserver/base/error.h"

struct arena;

/*
 * Private to embedded_cluster.c. The folder with PostgreSQL's programs: of the version that made
 * the cluster in `data`, or the newest one installed when there is no cluster yet. E_SYSTEM, with a
 * sentence that says what to install, when there is none.
 */
enum errcode cluster_programs_find(struct arena *arena, const char *data, const char **out,
                                   struct error *error) MUST_CHECK;

#endif
