#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"
#include "lab_chart.h"
#include "lab_host.h"
#include "lab_options.h"
#include "lab_story.h"
#include "option_values.h"
#include "output.h"
#include "packet_event_pcap.h"
#include "teredo_addr.h"

/* How long a host may take to get ready: qualifying over slow, lossy links included. */
#define READY_SECONDS 20.0
/* After the trace has ended, its last packets still arrive. */
#define SETTLE (200 * NSEC_MS)

struct lab {
    const struct lab_options *options;
    struct topology *topology;
    struct lab_story *story;        /* NULL when a command runs */
    struct packet_event_pcap *pcap; /* NULL when none is asked for */
    struct lab_program s1, s2, listener;
    char path[PATH_MAX];
    char peer[INET6_ADDRSTRLEN];
};

static void observe(void *context, const struct packet_event *packet_event)
{
    struct lab *lab = context;

    if (lab->story != NULL)
        lab_story_observe(lab->story, packet_event);
    if (lab->pcap != NULL)
        packet_event_pcap_add(lab->pcap, packet_event);
}

static int start_server(struct lab *lab, struct lab_program *program, enum lab_host host,
                        const char *address, struct error *error)
{
    const char *const argv[] = {"serve",        "--quiet",      "--address", address,
                                "--extra-port", LAB_EXTRA_PORT, NULL};

    if (lab_start(lab->topology, program, host, lab->path, argv, READY_SECONDS, error) != 0)
        return -1;
    if (!program->has_line)
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
    const char *const argv[] = {"listen",     "--quiet", "--timeout",   "4",
                                "--attempts", "8",       "192.0.2.129", NULL};
    struct in6_addr address;

    if (lab_start(lab->topology, &lab->listener, LAB_B, lab->path, argv, READY_SECONDS, error) != 0)
        return -1;
    if (lab->listener.has_line && inet_pton(AF_INET6, lab->listener.line, &address) == 1) {
        inet_ntop(AF_INET6, &address, lab->peer, sizeof lab->peer);
        return 0;
    }
    compose_peer(lab);
    if (!lab->options->quiet)
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
                    (char *)option_format_name(format),
                    "--color",
                    o->color ? "always" : "never",
                    NULL,
                    NULL,
                    NULL};
    char **end = argv;

    while (*end != NULL)
        end++;
    if (o->quiet)
        *end++ = "--quiet";
    if (o->header)
        *end = "--header";
    return lab_run(lab->topology, LAB_A, lab->path, argv, "192.0.2.1", lab->peer, out, error);
}

/* The chart in place of what the trace prints. */
static int run_charted_trace(struct lab *lab, struct error *error)
{
    int fd = memfd_create("trace", MFD_CLOEXEC), status;
    char title[2 * NAT_CONFIG_STRLEN + 96];

    if (fd < 0)
        return error_set(error, EX_OSERR, errno, "cannot keep what the trace prints");
    status = spawn_trace(lab, REPORT_JSON, fd, error);
    if (status >= 0 && status < EX__BASE &&
        lab_chart_write_traced(lab->story, lab->options, describe(lab, title, sizeof title), fd,
                               status, error) != 0)
        status = -1;
    close(fd);
    return status;
}

/* The main job: the trace, then the seed's figure. */
static int run_trace(struct lab *lab, struct error *error)
{
    const struct lab_options *o = lab->options;
    bool text = o->format == REPORT_TEXT && !o->quiet;
    char title[2 * NAT_CONFIG_STRLEN + 96];
    int status;

    if (lab_chart_is_asked_for(o))
        return run_charted_trace(lab, error);
    if (text)
        puts(describe(lab, title, sizeof title));
    status = spawn_trace(lab, o->format, -1, error);
    if (text && status >= 0 && status < EX__BASE) {
        putchar('\n');
        lab_chart_write(lab->story, o, NULL, NULL, SEQUENCE_UNSURE, o->verbose || status != 0);
    }
    return status;
}

/* What they print goes to standard error: standard output is for the results. */
static int start_others(struct lab *lab, struct error *error)
{
    const struct lab_options *o = lab->options;

    for (unsigned i = 0; i < o->also_count; i++) {
        char *const argv[] = {"/bin/sh", "-c", o->also[i].command, NULL};
        struct spawn spawn = {.argv = argv, .stdio = {-1, STDERR_FILENO, -1}};

        if (topology_spawn(lab->topology, o->also[i].host, &spawn, error) < 0)
            return -1;
    }
    return 0;
}

static int run_in_lab(struct lab *lab, struct error *error)
{
    const struct lab_options *o = lab->options;

    if (start_server(lab, &lab->s1, LAB_S1, "192.0.2.1", error) != 0 ||
        start_server(lab, &lab->s2, LAB_S2, "192.0.2.129", error) != 0 ||
        start_listener(lab, error) != 0 || start_others(lab, error) != 0)
        return -1;
    if (o->command == NULL)
        return run_trace(lab, error);
    return lab_run(lab->topology, o->on, lab->path, o->command,
                   o->on == LAB_B ? "192.0.2.129" : "192.0.2.1", lab->peer, -1, error);
}

static int open_observers(struct lab *lab, struct error *error)
{
    const struct lab_options *o = lab->options;

    if (o->command == NULL && (lab->story = lab_story_new(o->verbose)) == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start the lab");
    if (o->pcap != NULL &&
        (lab->pcap = packet_event_pcap_open(o->pcap, o->pcap_each, error)) == NULL)
        return -1;
    return 0;
}

static int run(int argc, char **argv, struct error *error)
{
    struct lab_options options;
    struct lab lab = {.options = &options};
    struct error late; /* a failure after the first tells nothing new */
    int status = -1;

    argv[0] = "teredoctl lab";
    lab_options_parse(&options, argc, argv);
    options.topology.observe = observe;
    options.topology.observe_context = &lab;
    if (open_observers(&lab, error) == 0 && lab_own_path(lab.path, error) == 0)
        lab.topology = topology_new(&options.topology, error);
    if (lab.topology != NULL)
        status = run_in_lab(&lab, error);
    topology_close(lab.topology, SETTLE);
    lab_story_free(lab.story);
    if (lab.pcap != NULL && packet_event_pcap_close(lab.pcap, status >= 0 ? error : &late) != 0)
        status = -1;
    if (status >= 0 && output_finish(stdout, error) != 0)
        return -1;
    return status;
}

const struct command command_lab = {
    "lab", "an emulated internet with NATs of any kind, to try it all without root", run};
