#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "entropy.h"
#include "options.h"
#include "packet_event_pcap.h"
#include "packet_story.h"
#include "program.h"
#include "text_buffer.h"
#include "topology.h"

/* How long a host may take to get ready: qualifying over slow, lossy links included. */
#define READY (20 * NSEC_S)
/* After the trace has ended, its last packets still arrive. */
#define SETTLE (200 * NSEC_MS)
#define SERVER_1 "192.0.2.1"
#define SERVER_2 "192.0.2.129"
/* On which the lab's servers serve as well (`serve --extra-port`). */
#define EXTRA_PORT "3546"

enum {
    LAB_MAX_ALSO = 4
};

struct lab_options {
    struct options common;
    struct topology_config topology; /* NATs, links, seed */
    enum lab_host on;
    struct {
        enum lab_host host;
        char *command;    /* for the shell */
    } also[LAB_MAX_ALSO]; /* what runs in the background beside COMMAND */
    unsigned also_count;
    const char *pcap; /* NULL = none */
    bool pcap_each;   /* a file for each vantage point */
    char **command;   /* NULL = the trace */
};

static void fail(const struct option_value *v, const struct error *error)
{
    argp_error(v->state, "%s: %s%s%s", v->name, error->what, error->hint[0] != '\0' ? "; " : "",
               error->hint);
}

/* The option has the name of a property of links. */
static void parse_link(const struct option_value *v, void *options)
{
    struct lab_options *o = options;
    struct error error = {0};

    if (link_config_parse(o->topology.link, v->option->name, v->text, &error) != 0)
        fail(v, &error);
}

static void parse_nat(const struct option_value *v, void *options)
{
    struct nat_config *nat = (struct nat_config *)((char *)options + v->option->at);
    struct error error = {0};

    if (nat_config_parse(v->text, nat, &error) != 0)
        fail(v, &error);
}

static void parse_seed(const struct option_value *v, void *options)
{
    struct lab_options *o = options;
    char *end;

    errno = 0;
    o->topology.seed = strtoull(v->text, &end, 0);
    if (end == v->text || *end != '\0' || errno != 0 || v->text[0] == '-')
        argp_error(v->state, "%s: '%s' is not a number", v->name, v->text);
}

static void parse_also(const struct option_value *v, void *options)
{
    struct lab_options *o = options;
    char *equals = strchr(v->text, '=');

    if (o->also_count == LAB_MAX_ALSO)
        argp_error(v->state, "--also: no more than %d", LAB_MAX_ALSO);
    if (equals == NULL || equals[1] == '\0') {
        argp_error(v->state, "--also: '%s' is not a HOST=COMMAND", v->text);
        return;
    }
    *equals = '\0';
    if (!lab_host_named(v->text, &o->also[o->also_count].host))
        argp_error(v->state, "--also: '%s' is none of a, b, s1, s2", v->text);
    o->also[o->also_count++].command = equals + 1;
}

static void parse_pcap_each(const struct option_value *v, void *options)
{
    struct lab_options *o = options;

    o->pcap = v->text;
    o->pcap_each = true;
}

#define OPTION_NAT(host) \
    .kind = VALUE_PARSED, .at = offsetof(struct lab_options, topology.nat[host]), .parse = parse_nat

static const struct option_entry lab_options[] = {
    {"nat-a", 0, "NAT",
     "A's NAT: none, cone, address-restricted, port-restricted (default), symmetric, firewall, "
     "blocked, or a list of properties such as mapping=address,ports=sequential",
     OPTION_NAT(LAB_A)},
    {"nat-b", 0, "NAT", "B's NAT, in the same words", OPTION_NAT(LAB_B)},
    {"delay", 0, "TIME", "Each link's delay one way, \"5ms\", or by host, \"a=25ms,s1=5ms\"",
     .group = 1, OPTION_PARSED(parse_link)},
    {"jitter", 0, "TIME", "Each link's delay varies by this, up and down",
     OPTION_PARSED(parse_link)},
    {"loss", 0, "SHARE", "Each link loses this share of packets, \"5%\" or \"0.05\"",
     OPTION_PARSED(parse_link)},
    {"duplicate", 0, "SHARE", "Each link doubles this share of packets", OPTION_PARSED(parse_link)},
    {"reorder", 0, "SHARE", "Each link holds this share of packets back",
     OPTION_PARSED(parse_link)},
    {"seed", 0, "N", "The same seed gives every packet the same fate", OPTION_PARSED(parse_seed)},
    {"on", 0, "HOST", "Run COMMAND on a (default), b, s1 or s2", .group = 2,
     OPTION_WORD(struct lab_options, on), .words = "a|b|s1|s2"},
    {"also", 0, "HOST=COMMAND",
     "Run the shell command on a, b, s1 or s2 too, in the background; up to four times",
     OPTION_PARSED(parse_also)},
    {"pcap", 0, "FILE", "Save what passes at every vantage point, merged in one capture file",
     OPTION_TEXT(struct lab_options, pcap)},
    {"pcap-each", 0, "FILE",
     "The same, in a file for each: FILE-a, FILE-nat-a, FILE-b, FILE-nat-b, FILE-s1, FILE-s2",
     OPTION_PARSED(parse_pcap_each)},
    {OPTION_FORMAT(FORMATS_CHARTS, FORMATS_CHARTS,
                   "How the trace prints (default: text, and a ladder after it); ladder, mermaid "
                   "and svg draw what passed at every vantage point")},
    {OPTION_HEADER},
    {OPTION_ASCII},
    {OPTION_WIDTH},
    {OPTION_COLOR},
    {OPTION_QUIET("Print the verdict only")},
    {OPTION_VERBOSE("Also draw how the clients qualify")},
    {0},
};

/* All from the first word on is COMMAND's. */
static void take_command(const struct option_value *v, void *options)
{
    struct lab_options *o = options;

    o->command = &v->state->argv[v->state->next - 1];
    v->state->next = v->state->argc;
}

struct lab {
    const struct lab_options *options;
    struct topology *topology;
    struct packet_story *story;     /* NULL when a command runs */
    struct packet_event_pcap *pcap; /* NULL when none is asked for */
    struct lab_program servers[2], listener;
    char path[PATH_MAX];
    char peer[INET6_ADDRSTRLEN];
    int status; /* of the trace */
};

/* A NAT that only refreshes what it has is no news. */
static bool is_news(const struct nat_result *nat)
{
    const unsigned news =
        NAT_MAPPING_CREATED | NAT_MAPPING_EXPIRED | NAT_FILTER_OPENED | NAT_FILTER_EXPIRED;

    return nat != NULL && (nat->verdict != NAT_OUT || (nat->happened & news) != 0);
}

static void tell_story(struct packet_story *story, const struct packet_event *p)
{
    static const enum chart_party parties[PLACE_COUNT] = {
        [PLACE_HOST_A] = PARTY_A,          [PLACE_NAT_A] = PARTY_NAT_A,
        [PLACE_CORE] = PARTY_CORE,         [PLACE_NAT_B] = PARTY_NAT_B,
        [PLACE_HOST_B] = PARTY_B,          [PLACE_SERVER_1] = PARTY_SERVER_A,
        [PLACE_SERVER_2] = PARTY_SERVER_B,
    };
    enum chart_party at = parties[p->place];
    char text[NAT_RESULT_STRLEN] = "";

    if (p->nat != NULL)
        nat_result_text(p->nat, text);
    if (p->kind == PACKET_EVENT_SENT) {
        struct bytes packet = {p->data, p->size};

        if (p->protocol == IP_PROTOCOL_UDP && p->about == 0)
            packet_story_send(story, p->packet, p->when, at, &packet);
        return;
    }
    if (p->copy != 0)
        return;
    switch (p->kind) {
    case PACKET_EVENT_NAT:
        if (is_news(p->nat))
            packet_story_remark(story, p->packet, at, text);
        break;
    case PACKET_EVENT_DUPLICATED:
        packet_story_remark(story, p->packet, at, "the link carries it twice");
        break;
    case PACKET_EVENT_LOST:
        packet_story_end(story, p->packet, at, "lost on the link");
        break;
    case PACKET_EVENT_DISCARDED:
        packet_story_end(story, p->packet, at,
                         p->nat != NULL ? text : packet_event_reason_text(p->reason));
        break;
    case PACKET_EVENT_DELIVERED:
        packet_story_end(story, p->packet, at, NULL);
        break;
    case PACKET_EVENT_SENT:
    case PACKET_EVENT_FORWARDED:
        break;
    }
}

static void observe(void *context, const struct packet_event *packet_event)
{
    struct lab *lab = context;

    if (lab->story != NULL)
        tell_story(lab->story, packet_event);
    if (lab->pcap != NULL)
        packet_event_pcap_add(lab->pcap, packet_event);
}

static int find_own_path(char path[static PATH_MAX], struct error *error)
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (n < 0)
        return error_set(error, EX_OSERR, errno, "cannot find teredoctl's own path");
    path[n] = '\0';
    return 0;
}

/* What a program in the lab finds in its environment beside what this process has. */
struct lab_environment {
    char server[64], peer[16 + INET6_ADDRSTRLEN];
    const char *list[4];
};

static const char *const *lab_environment(const struct lab *lab, enum lab_host host,
                                          struct lab_environment *env)
{
    snprintf(env->server, sizeof env->server, "TEREDO_SERVER=%s",
             host == LAB_B ? SERVER_2 : SERVER_1);
    snprintf(env->peer, sizeof env->peer, "TEREDO_PEER=%s", lab->peer);
    env->list[0] = env->server;
    env->list[1] = env->peer;
    env->list[2] = "TEREDO_EXTRA_PORT=" EXTRA_PORT;
    env->list[3] = NULL;
    return env->list;
}

/* `teredoctl` in what runs in the lab is this one. */
static void lead_path(const struct lab *lab)
{
    const char *old_path = getenv("PATH"), *slash = strrchr(lab->path, '/');
    char path[PATH_MAX + 4096];

    snprintf(path, sizeof path, "%.*s:%s", slash != NULL ? (int)(slash - lab->path) : 1,
             slash != NULL ? lab->path : ".", old_path != NULL ? old_path : "/usr/bin:/bin");
    setenv("PATH", path, 1);
}

/* Runs ARGV (looked up in PATH, first in our own directory) on HOST in the foreground, with
 * TEREDO_SERVER, TEREDO_PEER and TEREDO_EXTRA_PORT set, until it ends. OUT is its standard output;
 * -1 = ours. Returns its exit status, 128 plus the signal that killed it, or -1. */
static int run_program(struct lab *lab, enum lab_host host, char *const argv[], int out,
                       struct error *error)
{
    struct topology *t = lab->topology;
    struct lab_environment env = {.list = {NULL}};
    struct spawn spawn = {.argv = argv,
                          .env = lab_environment(lab, host, &env),
                          .stdio = {-1, out, -1},
                          .foreground = true};
    enum topology_end end;
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = topology_spawn(t, host, &spawn, error);
    if (pid < 0 || topology_seal(t, error) != 0)
        return -1;
    do {
        end = topology_run(t, pid, NSEC_NEVER, &status, error);
    } while (end == TOPOLOGY_STOPPED || end == TOPOLOGY_TIMED_OUT);
    if (end == TOPOLOGY_FAILED)
        return -1;
    if (end == TOPOLOGY_INTERRUPTED)
        return 128 + topology_signal(t);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The last argument of the lab's own commands, or the end. */
static char *no_sandbox(const struct lab *lab)
{
    static char option[] = "--no-sandbox";

    return lab->options->common.no_sandbox ? option : NULL;
}

static int start_server(struct lab *lab, enum lab_host host, char *address, struct error *error)
{
    char *const argv[] = {lab->path,      "serve",    "--quiet",       "--address", address,
                          "--extra-port", EXTRA_PORT, no_sandbox(lab), NULL};
    struct lab_program *server = &lab->servers[host == LAB_S2];

    *server = (struct lab_program){.topology = lab->topology, .host = host};
    if (lab_program_start(server, argv, clock_now() + READY, error) != 0)
        return -1;
    if (!server->has_line)
        return error_set(error, EX_SOFTWARE, 0, "the server on host %s did not start",
                         lab_host_name(host));
    return 0;
}

/* A host without UDP gets no Teredo address: then its peer is told the one it would have had. */
static void compose_peer(struct lab *lab)
{
    struct teredo_addr a = {.prefix = TEREDO_PREFIX, .server = UINT32_C(0xc0000281)};
    struct in6_addr address;

    /* The first public address of B's side. */
    a.mapped = (struct endpoint){UINT32_C(0xc6336414), 40000};
    teredo_addr_encode(&a, &address);
    inet_ntop(AF_INET6, &address, lab->peer, sizeof lab->peer);
}

static int start_listener(struct lab *lab, struct error *error)
{
    char *const argv[] = {lab->path,    "listen", "--quiet", "--timeout",     "4",
                          "--attempts", "8",      SERVER_2,  no_sandbox(lab), NULL};
    struct in6_addr address;

    lab->listener = (struct lab_program){.topology = lab->topology, .host = LAB_B};
    if (lab_program_start(&lab->listener, argv, clock_now() + READY, error) != 0)
        return -1;
    if (lab->listener.has_line && inet_pton(AF_INET6, lab->listener.line, &address) == 1) {
        inet_ntop(AF_INET6, &address, lab->peer, sizeof lab->peer);
        return 0;
    }
    compose_peer(lab);
    if (!lab->options->common.quiet)
        fprintf(stderr,
                "teredoctl lab: host b could not qualify; TEREDO_PEER is the address that it would "
                "have had\n");
    return 0;
}

static const char *describe(const struct lab *lab, char *buf, size_t size)
{
    char a[NAT_CONFIG_STRLEN], b[NAT_CONFIG_STRLEN];

    snprintf(buf, size,
             "A behind %s, server 1 (192.0.2.1); B behind %s, server 2 (192.0.2.129); seed %llu",
             nat_config_describe(&lab->options->topology.nat[LAB_A], a),
             nat_config_describe(&lab->options->topology.nat[LAB_B], b),
             (unsigned long long)lab->options->topology.seed);
    return buf;
}

/* A trace on host a, printed as FORMAT says, to OUT (-1 = standard output). */
static int spawn_trace(struct lab *lab, enum report_format format, int out, struct error *error)
{
    const struct lab_options *o = lab->options;
    char *argv[] = {lab->path,
                    "trace",
                    "--control-ttl",
                    "0",
                    "--format",
                    (char *)options_format_name(format),
                    "--color",
                    o->common.color ? "always" : "never",
                    NULL,
                    NULL,
                    NULL,
                    NULL};
    char **end = argv;

    while (*end != NULL)
        end++;
    if (o->common.quiet)
        *end++ = "--quiet";
    if (o->common.header)
        *end++ = "--header";
    *end = no_sandbox(lab);
    return run_program(lab, LAB_A, argv, out, error);
}

static bool draws(enum report_format format)
{
    return format == REPORT_LADDER || format == REPORT_MERMAID || format == REPORT_SVG;
}

/* The story so far, with the verdict P and a title, if it has come to one. */
static void write_chart(const struct lab *lab, const struct punching *p)
{
    struct report_config config = options_report(&command_lab, &lab->options->common);
    struct sequence chart = {0};
    char text[1024];

    packet_story_chart(lab->story, &chart, lab->options->common.verbosity > 0 || lab->status != 0);
    if (p != NULL) {
        const char *advice = advice_of(&punch_causes, p->cause);

        describe(lab, chart.title, sizeof chart.title);
        snprintf(text, sizeof text, "%s\n%s%s%s", text_of(&punch_causes, p->cause),
                 advice[0] != '\0' ? "  try: " : "", advice, advice[0] != '\0' ? "\n" : "");
        chart_verdict(&chart, p, text);
    }
    chart_write(&config, &chart);
    sequence_clear(&chart);
}

/* The chart in place of what the trace prints: it hands its verdict over as it is, for it is the
 * same program. */
static int run_charted_trace(struct lab *lab, struct error *error)
{
    int fd = memfd_create("trace", MFD_CLOEXEC);
    struct event verdict;

    if (fd < 0)
        return error_set(error, EX_OSERR, errno, "cannot keep what the trace prints");
    lab->status = spawn_trace(lab, REPORT_RECORD, fd, error);
    if (lab->status >= 0 && lab->status < EX__BASE) {
        if (pread(fd, &verdict, sizeof verdict, 0) == (ssize_t)sizeof verdict)
            write_chart(lab, &verdict.punching);
        else
            lab->status = error_set(error, EX_SOFTWARE, 0, "the trace has told no verdict");
    }
    close(fd);
    return lab->status;
}

/* The main job: the trace, then the seed's figure. */
static int run_trace(struct lab *lab, struct error *error)
{
    const struct lab_options *o = lab->options;
    bool text = o->common.format == REPORT_TEXT && !o->common.quiet;
    char title[2 * NAT_CONFIG_STRLEN + 96];

    if (draws(o->common.format))
        return run_charted_trace(lab, error);
    if (text)
        puts(describe(lab, title, sizeof title));
    lab->status = spawn_trace(lab, o->common.format, -1, error);
    if (text && lab->status >= 0 && lab->status < EX__BASE) {
        putchar('\n');
        write_chart(lab, NULL);
    }
    return lab->status;
}

/* What they print goes to standard error: standard output is for the results. */
static int start_others(struct lab *lab, struct error *error)
{
    const struct lab_options *o = lab->options;

    for (unsigned i = 0; i < o->also_count; i++) {
        char *const argv[] = {"/bin/sh", "-c", o->also[i].command, NULL};
        struct lab_environment env = {.list = {NULL}};
        struct spawn spawn = {.argv = argv,
                              .env = lab_environment(lab, o->also[i].host, &env),
                              .stdio = {-1, STDERR_FILENO, -1}};

        if (topology_spawn(lab->topology, o->also[i].host, &spawn, error) < 0)
            return -1;
    }
    return 0;
}

static int run_in_lab(struct lab *lab, struct error *error)
{
    const struct lab_options *o = lab->options;

    lead_path(lab);
    if (start_server(lab, LAB_S1, SERVER_1, error) != 0 ||
        start_server(lab, LAB_S2, SERVER_2, error) != 0 || start_listener(lab, error) != 0 ||
        start_others(lab, error) != 0)
        return -1;
    if (o->command == NULL)
        return run_trace(lab, error);
    return run_program(lab, o->on, o->command, -1, error);
}

static int open_observers(struct lab *lab, struct error *error)
{
    const struct lab_options *o = lab->options;

    if (o->command == NULL && (lab->story = packet_story_new(o->common.verbosity > 0)) == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start the lab");
    if (o->pcap != NULL &&
        (lab->pcap = packet_event_pcap_open(o->pcap, o->pcap_each, error)) == NULL)
        return -1;
    return 0;
}

static int run(int argc, char **argv, struct error *error)
{
    struct lab_options options = {.on = LAB_A};
    struct lab lab = {.options = &options};
    struct error late; /* a failure after the first tells nothing new */
    int status = -1;

    nat_config_parse("port-restricted", &options.topology.nat[LAB_A], error);
    nat_config_parse("port-restricted", &options.topology.nat[LAB_B], error);
    if (!entropy_fill(&options.topology.seed, sizeof options.topology.seed, error))
        return -1;
    options_parse(&command_lab, argc, argv, &options);
    options.topology.observe = observe;
    options.topology.observe_context = &lab;
    if (open_observers(&lab, error) == 0 && find_own_path(lab.path, error) == 0)
        lab.topology = topology_new(&options.topology, error);
    if (lab.topology != NULL)
        status = run_in_lab(&lab, error);
    topology_close(lab.topology, SETTLE);
    packet_story_free(lab.story);
    if (lab.pcap != NULL && packet_event_pcap_close(lab.pcap, status >= 0 ? error : &late) != 0)
        status = -1;
    if (status >= 0 && output_finish(stdout, error) != 0)
        return -1;
    return status;
}

const struct command command_lab = {
    .name = "lab",
    .summary = "an emulated internet with NATs of any kind, to try it all without root",
    .args_doc = "[[--] COMMAND [ARGUMENT…]]",
    .doc = "A whole internet on this machine, without root: clients a and b behind NATs of any "
           "kind, servers s1 and s2. Runs COMMAND on host a with TEREDO_SERVER and TEREDO_PEER "
           "set; without COMMAND, traces a hole punch from a to b, and draws it.\vThe exit status "
           "is that of COMMAND, or of the trace: 0 punched, 1 not punched, 2 inconclusive; 64 to "
           "77 errors of the lab itself, see teredoctl-lab(1).",
    .options = {lab_options},
    .flags = ARGP_IN_ORDER,
    .argument = take_command,
    /* It makes namespaces, and starts what its user likes in them; the commands that run there are
     * in sandboxes of their own. It gives up its privileges once all is started. */
    .sandbox = SANDBOX_NONE,
    .run = run,
};
