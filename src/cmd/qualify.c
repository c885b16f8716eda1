#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "line_reader.h"

enum list_order {
    LIST_AS_IT_COMES,
    LIST_AS_GIVEN,
    LIST_BY_RTT, /* the fastest first, those that did not answer last */
};

/* Several servers, each of them once. */
struct server_list {
    char **names; /* owned, each of them too */
    size_t count;
    void *known; /* a tree of the names */
    int fd;      /* of --from-file; -1 = none */
};

struct qualify_options {
    struct client_options client;
    const char *from_file;
    char **servers; /* of argv */
    size_t server_count;
    unsigned rate;
    enum list_order order;
    struct server_list list; /* of more than one, or of a file */
};

/* What was given. */
enum {
    GIVEN_FOR_LIST = 1 << 0
};

static const struct option_entry qualify_options[] = {
    {"explain", 0, NULL, "List every rule of the router advertisement, passed or failed",
     OPTION_FLAG(struct qualify_options, client.explain)},
    {"from-file", 0, "FILE", "Qualify with the servers in FILE, one a line (-: standard input)",
     OPTION_TEXT(struct qualify_options, from_file)},
    {"rate", 0, "N", "With several servers: send at most N packets a second (default: 2000)",
     OPTION_NUMBER(struct qualify_options, rate, 1, 1000000), .given = GIVEN_FOR_LIST},
    {"sort", 0, "arrival|given|rtt",
     "With several servers: in which order to report (default: arrival)",
     OPTION_WORD(struct qualify_options, order), .given = GIVEN_FOR_LIST},
    {0},
};

static void take_server(const struct option_value *v, void *options)
{
    struct qualify_options *o = options;

    if (o->server_count++ == 0) {
        o->servers = &v->state->argv[v->state->next - 1];
        o->client.server = v->text;
    }
}

static bool has_list(const struct qualify_options *o)
{
    return o->server_count > 1 || o->from_file != NULL;
}

static void check(void *options, struct argp_state *state)
{
    const struct qualify_options *o = options;

    if (has_list(o) && o->client.secondary != NULL)
        argp_error(state, "--secondary is for one SERVER: with several it is the primary plus one");
    if (!has_list(o) && (o->client.common.given & GIVEN_FOR_LIST) != 0)
        argp_error(state, "--rate and --sort go with several servers");
    if (o->from_file != NULL)
        client_check(options, state);
    else
        client_check_server(options, state);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* A name that is there already is not added again. */
static int add(struct server_list *l, const char *text, size_t size, struct error *error)
{
    char *name = strndup(text, size), *const * found, **names = l->names;

    /* Grown each time the count reaches a power of two. */
    if ((l->count & (l->count - 1)) == 0)
        names = realloc(l->names, (l->count == 0 ? 1 : 2 * l->count) * sizeof *names);
    if (names != NULL)
        l->names = names;
    found = name != NULL && names != NULL ? tsearch(name, &l->known, compare_names) : NULL;
    if (found == NULL || *found != name)
        free(name);
    else
        l->names[l->count++] = name;
    return found == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot read the servers") : 0;
}

static int add_lines(struct server_list *l, int fd, struct error *error)
{
    struct line_reader *reader = malloc(sizeof *reader);
    const char *line;
    size_t size;
    int result;

    if (reader == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot read the servers");
    line_reader_init(reader, fd, NULL, NULL);
    while ((result = line_reader_next(reader, &line, &size, error)) > 0) {
        line_reader_trim(&line, &size);
        if (size > 0 && (result = add(l, line, size, error)) != 0)
            break;
    }
    free(reader);
    return result;
}

static int open_list(struct qualify_options *o, struct error *error)
{
    if (o->from_file == NULL)
        return 0;
    o->list.fd = strcmp(o->from_file, "-") == 0 ? dup(STDIN_FILENO)
                                                : open(o->from_file, O_RDONLY | O_CLOEXEC);
    return o->list.fd < 0 ? error_set(error, EX_NOINPUT, errno, "cannot read %s", o->from_file) : 0;
}

static int add_file(struct server_list *l, const char *file, struct error *error)
{
    size_t before = l->count;
    int result = add_lines(l, l->fd, error);

    if (result == 0 && l->count == before)
        return error_set(error, EX_DATAERR, 0, "there is no server in %s",
                         strcmp(file, "-") == 0 ? "standard input" : file);
    return result;
}

/* Takes the servers of the command line, then those of --from-file: one a line, blank ones and what
 * follows a # left out. 0, or -1 and ERROR filled: 66 for a file that cannot be read, 65 for one
 * without a server. */
static int read_list(struct qualify_options *o, struct error *error)
{
    for (size_t i = 0; i < o->server_count; i++)
        if (add(&o->list, o->servers[i], strlen(o->servers[i]), error) != 0)
            return -1;
    return o->from_file != NULL ? add_file(&o->list, o->from_file, error) : 0;
}

static void keep(void *name)
{
    (void)name;
}

static void free_list(struct server_list *l)
{
    tdestroy(l->known, keep);
    for (size_t i = 0; i < l->count; i++)
        free(l->names[i]);
    free(l->names);
    if (l->fd >= 0)
        close(l->fd);
}

struct held {
    nsec when;
    struct qualification qualification;
};

/* Holds the verdicts back until all are there. */
struct sorter {
    struct event_sink next;
    enum list_order order;
    struct held *held;
    size_t count;
    struct qualify_many_summary summary;
};

static nsec sort_key(const struct qualification *q)
{
    return q->rtt > 0 ? q->rtt : NSEC_NEVER;
}

static int compare_rtt(const void *a, const void *b)
{
    const struct qualification *x = &((const struct held *)a)->qualification;
    const struct qualification *y = &((const struct held *)b)->qualification;

    if (sort_key(x) != sort_key(y))
        return sort_key(x) < sort_key(y) ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static int compare_number(const void *a, const void *b)
{
    const struct held *x = a, *y = b;

    return x->qualification.number < y->qualification.number ? -1 : 1;
}

static void release(const struct sorter *s)
{
    struct event e = {.kind = EVENT_QUALIFICATION};

    if (s->count == 0)
        return;
    qsort(s->held, s->count, sizeof *s->held,
          s->order == LIST_BY_RTT ? compare_rtt : compare_number);
    for (size_t i = 0; i < s->count; i++) {
        e.when = s->held[i].when;
        e.qualification = s->held[i].qualification;
        s->next.emit(s->next.context, &e);
    }
}

static void emit(void *context, const struct event *event)
{
    struct sorter *s = context;

    if (s->order != LIST_AS_IT_COMES && event->kind == EVENT_QUALIFICATION) {
        s->held[s->count++] = (struct held){event->when, event->qualification};
        return;
    }
    if (event->kind == EVENT_QUALIFIED_MANY) {
        s->summary = event->qualified_many;
        release(s);
    }
    s->next.emit(s->next.context, event);
}

static bool has_names(const struct server_list *l)
{
    struct endpoint literal;
    size_t i = 0;

    while (i < l->count && endpoint_parse(l->names[i], TEREDO_PORT, &literal))
        i++;
    return i < l->count;
}

/* With all of the list. 0 if all are qualified, 1 if one is not, 2 if something is inconclusive or
 * left. */
static int qualify_list(struct client *c, struct error *error)
{
    const struct qualify_options *o = (const struct qualify_options *)c->options;
    struct qualify_many_config config = {
        .names = (const char *const *)o->list.names,
        .count = o->list.count,
        .default_port = TEREDO_PORT,
        .rate = o->rate,
        .common = client_common_config(c->options),
    };
    struct sorter sorter = {.next = client_sink(c), .order = o->order};
    struct event_sink sink = {emit, &sorter};
    struct live_tap tap = client_tap(c);
    const struct qualify_many_summary *sum = &sorter.summary;
    int result;

    if (o->order != LIST_AS_IT_COMES) {
        sorter.held = calloc(o->list.count, sizeof *sorter.held);
        if (sorter.held == NULL)
            return error_set(error, EX_OSERR, ENOMEM, "cannot keep the results");
    }
    result = client_confine(c, has_names(&o->list) ? SANDBOX_NAMES : 0, error);
    if (result == 0)
        result = qualify_many_run(c->many, &config, &sink, &tap, error);
    free(sorter.held);
    if (result != 0)
        return -1;
    if (sum->verdicts[QUALIFY_NOT_QUALIFIED] > 0)
        return QUALIFY_NOT_QUALIFIED;
    return sum->verdicts[QUALIFY_QUALIFIED] == sum->servers ? QUALIFY_QUALIFIED
                                                            : QUALIFY_INCONCLUSIVE;
}

static int init(struct client *c, struct engine *engine, struct error *error)
{
    struct qualify_config config;

    if (client_qualify_config(c, &config, error) != 0)
        return -1;
    qualify_init((struct qualify *)engine, &config);
    return 0;
}

static int status(const struct event *event)
{
    return event->kind == EVENT_QUALIFICATION ? (int)event->qualification.verdict : -1;
}

static void unknown_name(const struct client_options *o, struct event *event)
{
    event->kind = EVENT_QUALIFICATION;
    event->qualification = (struct qualification){.verdict = o->no_server == QUALIFY_RESOLVER_FAILED
                                                                 ? QUALIFY_INCONCLUSIVE
                                                                 : QUALIFY_NOT_QUALIFIED,
                                                  .reason = o->no_server,
                                                  .evidence = UINT32_C(1) << QUALIFY_EVIDENCE_NAME};
}

static const struct client_job one = {
    .command = &command_qualify,
    .verdict = EVENT_QUALIFICATION,
    .columns = TSV_QUALIFY,
    .headings = true,
    .engine_size = sizeof(struct qualify),
    .sandbox = SANDBOX_NET,
    .init = init,
    .status = status,
    .no_status = QUALIFY_INCONCLUSIVE,
    .unknown_name = unknown_name,
};

static const struct client_job several = {
    .command = &command_qualify,
    .verdict = EVENT_QUALIFICATION,
    .columns = TSV_QUALIFY,
    .headings = true,
    .sandbox = SANDBOX_NET | SANDBOX_ROUTE,
    .work = qualify_list,
};

static int run(int argc, char **argv, struct error *error)
{
    struct qualify_options o = {.rate = 2000, .list.fd = -1};
    int result = -1;

    client_options_init(&o.client);
    options_parse(&command_qualify, argc, argv, &o);
    if (!has_list(&o) || (open_list(&o, error) == 0 && client_prepare(&o.client, error) == 0 &&
                          read_list(&o, error) == 0))
        result = client_run(has_list(&o) ? &several : &one, &o.client, error);
    free_list(&o.list);
    return result;
}

const struct command command_qualify = {
    .name = "qualify",
    .summary = "get a Teredo address from a server, and learn how the NAT maps",
    .args_doc = "[SERVER[:PORT]...]",
    .doc = "Qualify against a Teredo server (RFC 4380 5.2.1), or many at once: get a Teredo "
           "address, and learn how the NAT maps.\vExit status: 0 qualified, 1 not qualified (of "
           "several servers: one of them), 2 inconclusive; 64 to 77 errors, see "
           "teredoctl-qualify(1).",
    .options = {client_options, client_metrics_options, client_patience_options,
                client_rounds_options, qualify_options},
    .argument = take_server,
    .check = check,
    .sandbox = SANDBOX_BASE,
    .run = run,
};
