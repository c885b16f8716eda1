/* Qualification with a list of servers. */
#ifndef CMD_QUALIFY_LIST_H
#define CMD_QUALIFY_LIST_H

#include "client.h"

enum list_order {
    LIST_AS_IT_COMES,
    LIST_AS_GIVEN,
    LIST_BY_RTT, /* the fastest first, those that did not answer last */
};

struct qualify_list {
    char **names; /* owned, each of them too */
    size_t count;
};

/* Takes the COUNT servers of the command line, then those of FILE (NULL = none; "-" = standard
 * input): one a line, blank ones and what follows a # left out. A server that is there twice is
 * taken once. Returns 0, or -1 and ERROR filled: 66 for a file that cannot be read, 65 for one
 * without a server. */
int qualify_list_read(struct qualify_list *l, char **servers, size_t count, const char *file,
                      struct error *error);

void qualify_list_free(struct qualify_list *l);

/* Qualifies with all of them; C is from client_open_qualify_many. Returns the exit status: 0 if all
 * are qualified, 1 if one is not, 2 if something is inconclusive or left; or -1 and ERROR filled.
 */
int qualify_list_run(struct client *c, const struct qualify_list *l, unsigned rate,
                     enum list_order order, struct error *error);

#endif
