#include "qualify_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "line_reader.h"

static int add(struct qualify_list *l, const char *name, size_t size, struct error *error)
{
    /* Grown each time the count reaches a power of two. */
    if ((l->count & (l->count - 1)) == 0) {
        char **names = realloc(l->names, (l->count == 0 ? 1 : 2 * l->count) * sizeof *names);

        if (names == NULL)
            return error_set(error, EX_OSERR, ENOMEM, "cannot read the servers");
        l->names = names;
    }
    l->names[l->count] = strndup(name, size);
    if (l->names[l->count] == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot read the servers");
    l->count++;
    return 0;
}

static int add_lines(struct qualify_list *l, int fd, struct error *error)
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

static int add_file(struct qualify_list *l, const char *file, struct error *error)
{
    bool is_stdin = strcmp(file, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    size_t before = l->count;
    int result;

    if (fd < 0)
        return error_set(error, EX_NOINPUT, errno, "cannot read %s", file);
    result = add_lines(l, fd, error);
    if (!is_stdin)
        close(fd);
    if (result == 0 && l->count == before)
        return error_set(error, EX_DATAERR, 0, "there is no server in %s",
                         is_stdin ? "standard input" : file);
    return result;
}

struct place {
    char *name;
    size_t index;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : x->index < y->index ? -1 : 1;
}

/* Of those with one name the first stays. */
static int drop_doubles(struct qualify_list *l, struct error *error)
{
    struct place *places = malloc(l->count * sizeof *places);
    size_t kept = 0;

    if (places == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot read the servers");
    for (size_t i = 0; i < l->count; i++)
        places[i] = (struct place){l->names[i], i};
    qsort(places, l->count, sizeof *places, compare_places);
    for (size_t i = 1; i < l->count; i++)
        if (strcmp(places[i].name, places[i - 1].name) == 0)
            l->names[places[i].index] = NULL;
    for (size_t i = 0; i < l->count; i++)
        if (l->names[places[i].index] == NULL)
            free(places[i].name);
    free(places);
    for (size_t i = 0; i < l->count; i++)
        if (l->names[i] != NULL)
            l->names[kept++] = l->names[i];
    l->count = kept;
    return 0;
}

int qualify_list_read(struct qualify_list *l, char **servers, size_t count, const char *file,
                      struct error *error)
{
    *l = (struct qualify_list){0};
    for (size_t i = 0; i < count; i++)
        if (add(l, servers[i], strlen(servers[i]), error) != 0)
            return -1;
    if (file != NULL && add_file(l, file, error) != 0)
        return -1;
    return drop_doubles(l, error);
}

void qualify_list_free(struct qualify_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->names[i]);
    free(l->names);
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
    if (event->kind == EVENT_QUALIFIED_MANY)
        release(s);
    s->next.emit(s->next.context, event);
}

int qualify_list_run(struct client *c, const struct qualify_list *l, unsigned rate,
                     enum list_order order, struct error *error)
{
    struct qualify_many_config config = {
        .names = (const char *const *)l->names,
        .count = l->count,
        .default_port = TEREDO_PORT,
        .rate = rate,
        .common = client_common_config(c->options),
    };
    struct sorter sorter = {.next = client_sink(c), .order = order};
    struct event_sink sink = {emit, &sorter};
    struct live_tap tap = client_tap(c);
    struct qualify_many_summary summary;
    int result;

    if (order != LIST_AS_IT_COMES) {
        sorter.held = calloc(l->count, sizeof *sorter.held);
        if (sorter.held == NULL)
            return error_set(error, EX_OSERR, ENOMEM, "cannot keep the results");
    }
    result = qualify_many_run(c->qualify_many_summary, &config, &sink, &tap, &summary, error);
    free(sorter.held);
    if (result != 0)
        return -1;
    if (summary.verdicts[QUALIFY_NOT_QUALIFIED] > 0)
        return QUALIFY_NOT_QUALIFIED;
    return summary.verdicts[QUALIFY_QUALIFIED] == summary.servers ? QUALIFY_QUALIFIED
                                                                  : QUALIFY_INCONCLUSIVE;
}
