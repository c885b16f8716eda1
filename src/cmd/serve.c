#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "confine.h"
#include "live_server.h"
#include "options.h"
#include "serve_clients.h"

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

struct serve {
    struct serve_options options;
    struct serve_clients clients;
    uint32_t *host;
    struct serving counters;
    nsec started;
    struct reporter *reporter;
    struct live_server *live;
};

/* KIND says when: ready, asked for, or at the end. */
static void tell(struct serve *s, enum event_kind kind)
{
    struct event_sink sink = reporter_sink(s->reporter);
    struct event event = {.kind = kind, .when = clock_now(), .serving = &s->counters};

    s->counters.elapsed = event.when - s->started;
    sink.emit(sink.context, &event);
}

static void asked(void *context)
{
    tell(context, EVENT_SERVER_COUNTERS);
}

static void see(void *context, const struct server_config *server, const struct server_datagram *d,
                enum server_drop drop, const struct server_reply *reply)
{
    char text[ENDPOINT_STRLEN], own[ENDPOINT_STRLEN];
    const struct serve *s = context;

    if (!reporter_logs(s->reporter, (unsigned)(drop == SERVER_ACCEPTED ? reply->kind : 8 + drop),
                       clock_now()))
        return;
    fprintf(stderr, "%s > %s %zu bytes: ", endpoint_format(d->from, text),
            endpoint_format(server_endpoint(server, d->at), own), d->size);
    if (drop == SERVER_ACCEPTED)
        fprintf(stderr, "%s, %s > %s %zu bytes\n", code_of(&server_replies, reply->kind),
                endpoint_format(server_endpoint(server, reply->from), own),
                endpoint_format(reply->to, text), reply->size);
    else if (drop == SERVER_DROP_MALFORMED)
        fprintf(stderr, "dropped, malformed: %s at byte %zu\n",
                wire_reason_text(reply->fault.reason), reply->fault.offset);
    else
        fprintf(stderr, "dropped, %s: %s (%s)\n", code_of(&server_drops, drop),
                text_of(&server_drops, drop), server_drops.list[drop].rfc);
}

static void refused(void *context, struct endpoint to, int errnum)
{
    const struct serve *s = context;
    char text[ENDPOINT_STRLEN];

    /* Such as EACCES for a directed broadcast address (5.2.4), which the kernel knows best. */
    if (s->counters.send_failed == 0 && !s->options.common.quiet)
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
    s->counters.primary = server_endpoint(&s->options.server, SERVER_PRIMARY);
    s->counters.secondary = server_endpoint(&s->options.server, SERVER_SECONDARY);
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

static int serve(struct serve *s, struct error *error)
{
    struct live_server_config config;

    if (read_clients(s, error) != 0 || list_host(s, error) != 0)
        return -1;
    config = (struct live_server_config){
        .server = s->options.server,
        .count = s->options.count,
        .rate = s->options.rate,
        .duration = s->options.duration,
        .counters = &s->counters,
        .see = s->options.common.verbosity > 0 ? see : NULL,
        .refused = refused,
        .asked = asked,
        .moved = moved,
        .context = s,
    };
    s->live = live_server_open(&config, error);
    if (s->live == NULL || confine(&command_serve, &s->options.common, NULL, error) != 0)
        return -1;
    s->started = clock_now();
    if (live_server_start(s->live, s->started, error) != 0 || open_reporter(s, error) != 0)
        return -1;
    tell(s, EVENT_SERVER_READY);
    if (check_output(error) != 0 || live_server_run(s->live, error) != 0)
        return -1;
    tell(s, EVENT_SERVED);
    return check_output(error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct serve s = {.options = {
                          .server = {.port = TEREDO_PORT, .mtu = TEREDO_MTU},
                          .count = UINT64_MAX,
                          .rate = 1000,
                      }};
    struct error late; /* what of the output is wrong was found before */
    int status = -1;

    options_parse(&command_serve, argc, argv, &s.options);
    if (check_global(&s.options, s.options.server.primary, error) == 0 &&
        check_global(&s.options, s.options.server.secondary, error) == 0)
        status = serve(&s, error);
    live_server_close(s.live);
    serve_clients_free(&s.clients);
    free(s.host);
    if (s.reporter != NULL)
        reporter_close(s.reporter, &late);
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
