#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

#include "clock.h"
#include "confine.h"
#include "entropy.h"
#include "live_server.h"
#include "options.h"
#include "serve_clients.h"
#include "workers.h"

enum {
    MTU_MIN = 1280, /* RFC 8200 5 */
    MTU_MAX = 1472, /* what fits an Ethernet frame behind IPv4 and UDP */
};

struct serve_options {
    struct options common;
    struct server_config server; /* all but the clients */
    const char *secrets;         /* file of serve_clients.h, or NULL */
    uint64_t count;              /* datagrams to take before the end; UINT64_MAX = no end */
    nsec duration;               /* 0 = no end */
    unsigned rate;               /* datagrams a second to one address; 0 = no bound */
    unsigned workers;            /* processes */
};

static const struct option_entry serve_options[] = {
    {"address", 0, "IP", "Primary address: the one in the clients' Teredo addresses (required)",
     OPTION_OF(VALUE_IP4, struct serve_options, server.primary)},
    {"secondary", 0, "IP", "Secondary address (default: the primary plus one)",
     OPTION_OF(VALUE_IP4, struct serve_options, server.secondary)},
    {"port", 0, "PORT", "UDP port of both (default: 3544, where clients look)",
     OPTION_NUMBER(struct serve_options, server.port, 1, 65535)},
    {"extra-port", 0, "PORT",
     "Serve on this port as well, so that clients can tell whether their NAT looks at ports",
     OPTION_NUMBER(struct serve_options, server.other_port, 1, 65535)},
    {"mtu", 0, "BYTES", "MTU to advertise, 1280 to 1472 (default: 1280)",
     OPTION_NUMBER(struct serve_options, server.mtu, MTU_MIN, MTU_MAX)},
    {"allow-private", 0, NULL,
     "Also serve private, loopback and link-local addresses (laboratories)",
     OPTION_FLAG(struct serve_options, server.allow_private)},
    {"auth-secret-file", 0, "FILE",
     "Clients that may qualify securely: one \"identifier:secret\" a line",
     OPTION_TEXT(struct serve_options, secrets)},
    {"require-auth", 0, NULL, "Answer nobody's router solicitation but theirs",
     OPTION_FLAG(struct serve_options, server.require_auth)},
    {"user", 0, "NAME", "User to become when started as root (default: sudo's user, else nobody)",
     OPTION_TEXT(struct serve_options, common.user)},
    {"rate", 0, "N", "Datagrams a second to one IPv4 address (default: 1000; 0: no bound)",
     OPTION_NUMBER(struct serve_options, rate, 0, 1000000)},
    {"workers", 0, "N", "Processes that share the work, 1 to 64 (default: 1)",
     OPTION_NUMBER(struct serve_options, workers, 1, WORKERS_MAX)},
    {"count", 0, "N", "End after N datagrams were received",
     OPTION_NUMBER(struct serve_options, count, 1, LONG_MAX)},
    {"duration", 0, "SECONDS", "End after this time",
     OPTION_SECONDS(struct serve_options, duration)},
    {OPTION_FORMAT(FORMATS, FORMATS, "How to print the counters (default: text)")},
    {OPTION_HEADER},
    {OPTION_QUIET("Print nothing on standard error but errors")},
    {OPTION_VERBOSE("Log every packet on standard error")},
    {0},
};

static void take_argument(const struct option_value *v, void *options)
{
    (void)options;
    argp_error(v->state, "'%s': takes options only; did you mean --address %s?", v->text, v->text);
}

static void check(void *options, struct argp_state *state)
{
    struct serve_options *o = options;

    if (o->server.primary == 0)
        argp_error(state, "no --address given");
    if (o->server.secondary == 0)
        o->server.secondary = o->server.primary + 1;
    if (o->server.secondary == o->server.primary)
        argp_error(state, "--secondary must differ from --address: a cone test is answered from "
                          "another address (RFC 4380 5.3.2)");
    if (o->server.other_port == o->server.port)
        argp_error(state, "--extra-port must differ from --port");
    if (o->common.no_sandbox && o->common.user != NULL)
        argp_error(state, "--user does not go with --no-sandbox, which keeps all privileges");
    if (o->server.require_auth && o->secrets == NULL)
        argp_error(state, "--require-auth needs --auth-secret-file");
    if (o->count != UINT64_MAX && o->workers > 1)
        argp_error(state, "--count does not go with --workers");
}

static int check_global(const struct serve_options *o, uint32_t address, struct error *error)
{
    char text[IP4_STRLEN];
    const char *block = ip4_special_block(address);

    if (server_address_usable(&o->server, address))
        return 0;
    error_set(error, EX_USAGE, 0, "%s is not a global unicast address (%s)",
              ip4_format(address, text), block == NULL ? "special" : block);
    if (!o->server.allow_private)
        error_hint(
            error,
            "a global address, as clients refuse others (RFC 4380 5.2.4); in a laboratory, add "
            "--allow-private");
    return -1;
}

/* The memory that all workers have in common: how much they send, and what each has counted. */
struct shared {
    struct server_limit limit;
    struct {
        _Alignas(128) struct serving counters; /* in lines of the cache that are its own */
    } workers[WORKERS_MAX];
};

struct serve {
    struct serve_options options;
    struct serve_clients clients;
    uint32_t *host;
    struct shared *shared; /* or NULL */
    nsec started;
    struct reporter *reporter;
    struct workers workers;
    struct live_server *live[WORKERS_MAX]; /* but one they are closed once there are processes */
};

/* What all workers have counted. */
static struct serving counted(const struct serve *s)
{
    struct serving sum = {
        .primary = server_endpoint(&s->options.server, SERVER_PRIMARY),
        .secondary = server_endpoint(&s->options.server, SERVER_SECONDARY),
    };

    for (unsigned i = 0; i < s->options.workers; i++)
        serving_add(&sum, &s->shared->workers[i].counters);
    return sum;
}

/* KIND says when: ready, asked for, or at the end. */
static void tell(const struct serve *s, enum event_kind kind)
{
    struct event_sink sink = reporter_sink(s->reporter);
    struct serving counters = counted(s);
    struct event event = {.kind = kind, .when = clock_now(), .serving = &counters};

    counters.elapsed = event.when - s->started;
    sink.emit(sink.context, &event);
}

static void asked(void *context)
{
    tell(context, EVENT_SERVER_COUNTERS);
}

/* A line in one piece, for other workers write to standard error as well. */
static void see(void *context, const struct server_config *server, const struct server_datagram *d,
                enum server_drop drop, const struct server_reply *reply)
{
    char text[ENDPOINT_STRLEN], own[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN], by[ENDPOINT_STRLEN];
    const struct serve *s = context;

    if (!reporter_logs(s->reporter, (unsigned)(drop == SERVER_ACCEPTED ? reply->kind : 8 + drop),
                       clock_now()))
        return;
    endpoint_format(d->from, text);
    endpoint_format(server_endpoint(server, d->at), own);
    if (drop == SERVER_ACCEPTED)
        fprintf(stderr, "%s > %s %zu bytes: %s, %s > %s %zu bytes\n", text, own, d->size,
                code_of(&server_replies, reply->kind),
                endpoint_format(server_endpoint(server, reply->from), by),
                endpoint_format(reply->to, to), reply->size);
    else if (drop == SERVER_DROP_MALFORMED)
        fprintf(stderr, "%s > %s %zu bytes: dropped, malformed: %s at byte %zu\n", text, own,
                d->size, wire_reason_text(reply->fault.reason), reply->fault.offset);
    else
        fprintf(stderr, "%s > %s %zu bytes: dropped, %s: %s (%s)\n", text, own, d->size,
                code_of(&server_drops, drop), text_of(&server_drops, drop),
                server_drops.list[drop].rfc);
}

static void refused(void *context, struct endpoint to, int errnum)
{
    const struct serve *s = context;
    char text[ENDPOINT_STRLEN];

    /* Such as EACCES for a directed broadcast address (5.2.4), which the kernel knows best. */
    if (counted(s).send_failed == 0 && !s->options.common.quiet)
        fprintf(stderr,
                "teredoctl serve: warning: cannot send to %s: %s (further ones are only counted)\n",
                endpoint_format(to, text), strerror(errnum));
}

static void moved(void *context, struct endpoint at, enum address_change change)
{
    const struct serve *s = context;
    struct event_sink sink = reporter_sink(s->reporter);

    sink.emit(sink.context, &(struct event){.kind = change == ADDRESS_GONE ? EVENT_ADDRESS_GONE
                                                                           : EVENT_ADDRESS_BACK,
                                            .when = clock_now(),
                                            .gone = at});
}

static int open_reporter(struct serve *s, struct error *error)
{
    struct report_config config = options_report(&command_serve, &s->options.common);

    config.verdict = EVENT_SERVED;
    config.columns = TSV_SERVE;
    /* The first worker alone prints more than what it logs. */
    config.header = config.header && s->workers.self == 0;
    s->reporter = reporter_new(&config);
    return s->reporter == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot start") : 0;
}

static int check_output(struct error *error)
{
    if (ferror(stdout))
        return error_set(error, EX_IOERR, errno, "cannot write the counters");
    return EX_OK;
}

static int read_clients(struct serve *s, struct error *error)
{
    if (s->options.secrets == NULL)
        return 0;
    if (serve_clients_read(&s->clients, s->options.secrets, error) != 0)
        return -1;
    s->options.server.clients = s->clients.list;
    s->options.server.client_count = s->clients.count;
    return 0;
}

static uint32_t ip4_of(const struct ifaddrs *interface)
{
    struct sockaddr_in in;

    if (interface->ifa_addr == NULL || interface->ifa_addr->sa_family != AF_INET)
        return 0;
    memcpy(&in, interface->ifa_addr, sizeof in);
    return ntohl(in.sin_addr.s_addr);
}

/* Those of the start: an address that comes later is not known. */
static int list_host(struct serve *s, struct error *error)
{
    struct ifaddrs *list;
    size_t count = 0;

    if (getifaddrs(&list) != 0)
        return error_set(error, EX_OSERR, errno, "cannot list this host's addresses");
    for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
        count++;
    s->host = calloc(count + 1, sizeof *s->host);
    for (const struct ifaddrs *i = list; i != NULL && s->host != NULL; i = i->ifa_next)
        if (ip4_of(i) != 0)
            s->host[s->options.server.host_count++] = ip4_of(i);
    s->options.server.host = s->host;
    freeifaddrs(list);
    return s->host == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot start") : 0;
}

static int share_memory(struct serve *s, struct error *error)
{
    unsigned rate = s->options.rate;
    void *memory =
        mmap(NULL, sizeof *s->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return error_set(error, EX_OSERR, errno, "cannot start");
    s->shared = memory;
    if (rate != 0)
        s->shared->limit.rate = (struct rate){NSEC_S / rate, 2 * rate};
    return entropy_fill(&s->shared->limit.key, sizeof s->shared->limit.key, error) ? 0 : -1;
}

/* A server a worker, each with sockets of its own: all that can fail has by the time that there are
 * processes. */
static int open_servers(struct serve *s, struct error *error)
{
    unsigned count = s->options.workers;

    for (unsigned i = 0; i < count; i++) {
        struct live_server_config config = {
            .server = s->options.server,
            .count = s->options.count,
            .sharing = count == 1 ? PORT_ALONE
                       : i == 0   ? PORT_SHARED
                                  : PORT_JOINED,
            .limit = &s->shared->limit,
            .duration = s->options.duration,
            .counters = &s->shared->workers[i].counters,
            .see = s->options.common.verbosity > 0 ? see : NULL,
            .refused = refused,
            .asked = asked,
            .moved = i == 0 ? moved : NULL,
            .context = s,
        };

        s->live[i] = live_server_open(&config, error);
        if (s->live[i] == NULL)
            return -1;
    }
    return 0;
}

static void close_servers(struct serve *s, const struct live_server *but)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        if (s->live[i] != but) {
            live_server_close(s->live[i]);
            s->live[i] = NULL;
        }
}

/* Becomes the workers; each keeps its own server, which is returned. NULL and ERROR filled on
 * failure. */
static struct live_server *become_workers(struct serve *s, struct error *error)
{
    struct live_server *own;

    if (workers_fork(&s->workers, s->options.workers, error) != 0)
        return NULL;
    own = s->live[s->workers.self];
    close_servers(s, own);
    /* One tells for all of them which sandbox they are in. */
    if (s->workers.self > 0)
        s->options.common.sandbox_told = UINT_MAX;
    if (workers_watch(&s->workers, live_server_loop(own), error) != 0 ||
        confine(&command_serve, &s->options.common, NULL, error) != 0)
        return NULL;
    workers_ready(&s->workers);
    return own;
}

/* What the user sees. */
static int run_first(struct serve *s, struct live_server *live, struct error *error)
{
    s->started = clock_now();
    if (live_server_start(live, s->started, error) != 0 || open_reporter(s, error) != 0)
        return -1;
    tell(s, EVENT_SERVER_READY);
    if (check_output(error) != 0 || live_server_run(live, error) != 0 ||
        workers_check(&s->workers, error) != 0)
        return -1;
    workers_end(&s->workers);
    tell(s, EVENT_SERVED);
    return check_output(error);
}

static int serve(struct serve *s, struct error *error)
{
    struct live_server *live;

    if (read_clients(s, error) != 0 || list_host(s, error) != 0 || share_memory(s, error) != 0 ||
        open_servers(s, error) != 0)
        return -1;
    live = become_workers(s, error);
    if (live == NULL)
        return -1;
    if (s->workers.self == 0)
        return run_first(s, live, error);
    return open_reporter(s, error) != 0 ? -1 : live_server_run(live, error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct serve s = {.options = {
                          .server = {.port = TEREDO_PORT, .mtu = TEREDO_MTU},
                          .count = UINT64_MAX,
                          .rate = 1000,
                          .workers = 1,
                      }};
    struct error late; /* what of the output is wrong was found before */
    int status = -1;

    options_parse(&command_serve, argc, argv, &s.options);
    if (check_global(&s.options, s.options.server.primary, error) == 0 &&
        check_global(&s.options, s.options.server.secondary, error) == 0)
        status = serve(&s, error);
    workers_end(&s.workers);
    close_servers(&s, NULL);
    serve_clients_free(&s.clients);
    free(s.host);
    if (s.reporter != NULL)
        reporter_close(s.reporter, &late);
    if (s.shared != NULL)
        munmap(s.shared, sizeof *s.shared);
    return status;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "be a Teredo server: answer solicitations, relay bubbles",
    .args_doc = "--address IP",
    .doc = "Be a Teredo server (RFC 4380 5.3): answer router solicitations, relay bubbles and "
           "ICMPv6 echoes between Teredo clients."
           "\vSIGUSR1 prints the counters so far. Exit status: 0 ended by a signal, --count or "
           "--duration; 64 to 77 errors, see teredoctl-serve(1).",
    .options = {serve_options},
    .argument = take_argument,
    .check = check,
    .sandbox = SANDBOX_BASE | SANDBOX_NET,
    .run = run,
};
