#include "names.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"

/* A name server gets 3 s, and once all of resolv.conf have had them, 6 s more. */
enum {
    TIMEOUT_MS = 3000,
    TRIES = 2,
    NAME_SIZE = 256,
};

struct look_up {
    struct names *names;
    uint16_t port;
    void (*done)(void *context, const struct names_answer *answer);
    void *context;
};

struct names {
    struct loop *loop;
    struct loop_timer timer;
    struct ares_channeldata *channel;
    bool closing;
};

/* Splits NAME[:PORT]; false if there is no name or the port is no number from 1 to 65535. */
static bool split_port(const char *text, char *name, size_t size, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    struct endpoint e;
    char with_port[ENDPOINT_STRLEN];

    if (length == 0 || length >= size)
        return false;
    memcpy(name, text, length);
    name[length] = '\0';
    if (colon == NULL)
        return true;
    if (strchr(name, ':') != NULL || strlen(colon) > 6)
        return false;
    snprintf(with_port, sizeof with_port, "0.0.0.1%s", colon);
    if (!endpoint_parse(with_port, 0, &e))
        return false;
    *port = e.port;
    return true;
}

/* Whether it has the characters of a host name (RFC 1123 2.1), and the underscore of some. c-ares
 * would ask the DNS for any others, and take a backslash for an escape. */
static bool is_host_name(const char *name)
{
    static const char others[] = "-_.";

    for (; *name != '\0'; name++)
        if (!(*name >= 'a' && *name <= 'z') && !(*name >= 'A' && *name <= 'Z') &&
            !(*name >= '0' && *name <= '9') && strchr(others, *name) == NULL)
            return false;
    return true;
}

/* Sets the timer to when c-ares wants to look at the time. */
static void set_timer(struct names *n)
{
    struct timeval left;

    n->timer.when = NSEC_NEVER;
    if (ares_timeout(n->channel, NULL, &left) != NULL)
        n->timer.when = clock_now() + left.tv_sec * NSEC_S + left.tv_usec * NSEC_US;
}

static int time_passed(void *context, struct error *error)
{
    struct names *n = context;

    (void)error;
    ares_process_fd(n->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(n);
    return 0;
}

static int socket_ready(void *context, struct pollfd ready, struct error *error)
{
    struct names *n = context;

    (void)error;
    /* An error shows where c-ares reads. */
    ares_process_fd(n->channel, (ready.revents & ~POLLOUT) != 0 ? ready.fd : ARES_SOCKET_BAD,
                    (ready.revents & POLLOUT) != 0 ? ready.fd : ARES_SOCKET_BAD);
    set_timer(n);
    return 0;
}

/* Without a free slot in the loop the socket is not watched, and its query times out. */
static void socket_changed(void *context, ares_socket_t fd, int readable, int writable)
{
    struct names *n = context;
    struct error ignored;
    struct loop_watch watch = {.fd = fd, .ready = socket_ready, .context = n};

    watch.events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    if (watch.events == 0)
        loop_unwatch(n->loop, fd);
    else
        (void)loop_watch(n->loop, &watch, &ignored);
}

struct names *names_new(struct loop *loop, struct error *error)
{
    struct names *n = calloc(1, sizeof *n);
    struct ares_options options = {
        .timeout = TIMEOUT_MS,
        .tries = TRIES,
        .sock_state_cb = socket_changed,
        .sock_state_cb_data = n,
    };
    int failed = ARES_ENOMEM;

    if (n != NULL) {
        n->loop = loop;
        failed = ares_init_options(&n->channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    }
    if (failed != ARES_SUCCESS) {
        error_set(error, EX_OSERR, 0, "cannot set up the resolver: %s", ares_strerror(failed));
        free(n);
        return NULL;
    }
    n->timer = (struct loop_timer){.when = NSEC_NEVER, .fired = time_passed, .context = n};
    loop_add_timer(loop, &n->timer);
    return n;
}

void names_free(struct names *n)
{
    if (n == NULL)
        return;
    n->closing = true;
    ares_destroy(n->channel);
    loop_remove_timer(n->loop, &n->timer);
    free(n);
}

static const char *failure_words(int status)
{
    switch (status) {
    case ARES_ETIMEOUT:
        return "the name servers do not answer";
    case ARES_ECONNREFUSED: /* of c-ares 1.18 for the two below as well */
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
        return "no name server is able to answer";
    default:
        return ares_strerror(status);
    }
}

static void explain(struct names_answer *answer, int status)
{
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
        answer->outcome = NAMES_NO_ADDRESS;
        answer->reason = "the name has no IPv4 address";
        break;
    case ARES_ENOTFOUND:
    case ARES_EBADNAME: /* it cannot be a name in the DNS */
    case ARES_EBADSTR:
        answer->outcome = NAMES_NOT_FOUND;
        answer->reason = "there is no such name";
        break;
    default:
        answer->outcome = NAMES_FAILED;
        answer->reason = failure_words(status);
    }
}

static void take_addresses(struct names_answer *answer, const struct ares_addrinfo *found,
                           uint16_t port)
{
    for (const struct ares_addrinfo_node *node = found->nodes;
         node != NULL && answer->count < NAMES_ADDRESSES; node = node->ai_next) {
        struct sockaddr_in sa;

        if (node->ai_family != AF_INET)
            continue;
        memcpy(&sa, node->ai_addr, sizeof sa);
        answer->list[answer->count++] = (struct endpoint){ntohl(sa.sin_addr.s_addr), port};
    }
}

static void answered(void *context, int status, int timeouts, struct ares_addrinfo *found)
{
    struct look_up *l = context;
    struct names_answer answer = {.outcome = NAMES_FOUND};

    (void)timeouts;
    if (found != NULL)
        take_addresses(&answer, found, l->port);
    ares_freeaddrinfo(found);
    if (answer.count == 0)
        explain(&answer, status);
    if (!l->names->closing)
        l->done(l->context, &answer);
    free(l);
}

static void give(const struct look_up *l, enum names_outcome outcome, const char *reason)
{
    l->done(l->context, &(struct names_answer){.outcome = outcome, .reason = reason});
}

void names_look_up(struct names *n, const char *text, uint16_t default_port,
                   void (*done)(void *context, const struct names_answer *answer), void *context)
{
    static const struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT,
                                                     .ai_family = AF_INET};
    struct look_up *l, first = {n, default_port, done, context};
    struct names_answer literal = {.outcome = NAMES_FOUND, .count = 1};
    char name[NAME_SIZE];

    if (endpoint_parse(text, default_port, &literal.list[0])) {
        done(context, &literal);
        return;
    }
    if (!split_port(text, name, sizeof name, &first.port)) {
        give(&first, NAMES_MALFORMED, "it is neither an IPv4 address nor a name");
        return;
    }
    if (!is_host_name(name)) {
        give(
            &first, NAMES_NOT_FOUND,
            "no host has such a name; one of other letters than ASCII's is given in its xn-- form");
        return;
    }
    l = malloc(sizeof *l);
    if (l == NULL) {
        give(&first, NAMES_FAILED, strerror(ENOMEM));
        return;
    }
    *l = first;
    ares_getaddrinfo(n->channel, name, NULL, &hints, answered, l);
    set_timer(n);
}

struct resolving {
    struct loop *loop;
    struct names_answer *answer;
};

static void resolved(void *context, const struct names_answer *answer)
{
    const struct resolving *r = context;

    *r->answer = *answer;
    loop_stop(r->loop);
}

static void interrupt(void *context)
{
    loop_stop(context);
}

static int wait_for_answer(const char *text, uint16_t default_port, struct names_answer *out,
                           struct error *error)
{
    struct resolving r = {loop_new(error), out};
    struct names *n = r.loop != NULL ? names_new(r.loop, error) : NULL;
    int result = -1;

    if (n != NULL && loop_on_stop(r.loop, interrupt, r.loop, error) == 0) {
        names_look_up(n, text, default_port, resolved, &r);
        result = loop_run(r.loop, error);
    }
    names_free(n);
    loop_free(r.loop);
    return result;
}

static int tell_failure(const char *text, uint16_t default_port, const struct names_answer *answer,
                        struct error *error)
{
    int length = (int)strcspn(text, ":");

    switch (answer->outcome) {
    case NAMES_FOUND:
        return 0;
    case NAMES_MALFORMED:
        error_set(error, EX_USAGE, 0, "'%s' is not a server", text);
        return error_hint(error, "give an IPv4 address or a name, with :PORT if it is not %u",
                          default_port);
    case NAMES_INTERRUPTED:
        return error_set(error, NAMES_INTERRUPTED_STATUS, 0, "interrupted while looking for '%.*s'",
                         length, text);
    case NAMES_NOT_FOUND:
    case NAMES_NO_ADDRESS:
    case NAMES_FAILED:
        break;
    }
    error_set(error, EX_NOHOST, 0, "cannot find '%.*s': %s", length, text, answer->reason);
    return error_hint(error, answer->outcome == NAMES_FAILED
                                 ? "check this host's name servers, or give an IPv4 address"
                                 : "check the name; Teredo needs one with an IPv4 address");
}

int names_resolve(const char *text, uint16_t default_port, struct names_answer *out,
                  struct error *error)
{
    *out = (struct names_answer){.outcome = NAMES_FOUND, .count = 1};
    if (endpoint_parse(text, default_port, &out->list[0]))
        return 0;
    *out = (struct names_answer){.outcome = NAMES_INTERRUPTED};
    if (wait_for_answer(text, default_port, out, error) != 0)
        return -1;
    return tell_failure(text, default_port, out, error);
}
