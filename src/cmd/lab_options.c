#include "lab_options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "entropy.h"
#include "ladder.h"
#include "option_values.h"
#include "terminal.h"

enum {
    OPTION_NAT_A = 0x100,
    OPTION_NAT_B,
    OPTION_DELAY,
    OPTION_JITTER,
    OPTION_LOSS,
    OPTION_DUPLICATE,
    OPTION_REORDER,
    OPTION_SEED,
    OPTION_ON,
    OPTION_ALSO,
    OPTION_PCAP,
    OPTION_PCAP_EACH,
    OPTION_FORMAT,
    OPTION_HEADER,
    OPTION_ASCII,
    OPTION_COLOR,
    OPTION_WIDTH,
};

static const struct argp_option options[] = {
    {"nat-a", OPTION_NAT_A, "NAT", 0,
     "A's NAT: none, cone, address-restricted, port-restricted (default), symmetric, firewall, "
     "blocked, or a list of properties such as mapping=address,ports=sequential",
     0},
    {"nat-b", OPTION_NAT_B, "NAT", 0, "B's NAT, in the same words", 0},
    {"delay", OPTION_DELAY, "TIME", 0,
     "Each link's delay one way, \"5ms\", or by host, \"a=25ms,s1=5ms\"", 1},
    {"jitter", OPTION_JITTER, "TIME", 0, "Each link's delay varies by this, up and down", 1},
    {"loss", OPTION_LOSS, "SHARE", 0, "Each link loses this share of packets, \"5%\" or \"0.05\"",
     1},
    {"duplicate", OPTION_DUPLICATE, "SHARE", 0, "Each link doubles this share of packets", 1},
    {"reorder", OPTION_REORDER, "SHARE", 0, "Each link holds this share of packets back", 1},
    {"seed", OPTION_SEED, "N", 0, "The same seed gives every packet the same fate", 1},
    {"on", OPTION_ON, "HOST", 0, "Run COMMAND on a (default), b, s1 or s2", 2},
    {"also", OPTION_ALSO, "HOST=COMMAND", 0,
     "Run the shell command on a, b, s1 or s2 too, in the background; up to four times", 2},
    {"pcap", OPTION_PCAP, "FILE", 0,
     "Save what passes at every vantage point, merged in one capture file", 2},
    {"pcap-each", OPTION_PCAP_EACH, "FILE", 0,
     "The same, in a file for each: FILE-a, FILE-nat-a, FILE-b, FILE-nat-b, FILE-s1, FILE-s2", 2},
    {"format", OPTION_FORMAT, "text|json|jsonl|tsv|ladder|mermaid|svg", 0,
     "How the trace prints (default: text, and a ladder after it); ladder, mermaid and svg draw "
     "what passed at every vantage point",
     2},
    {"header", OPTION_HEADER, NULL, 0, OPTION_HEADER_DOC, 2},
    {"ascii", OPTION_ASCII, NULL, 0, "Draw the ladder without line-drawing characters", 2},
    {"width", OPTION_WIDTH, "COLUMNS", 0, "Width of the ladder (default: the terminal's)", 2},
    {"color", OPTION_COLOR, "auto|always|never", 0, "Colour on a terminal (default: auto)", 2},
    {"quiet", 'q', NULL, 0, "Print the verdict only", 2},
    {"verbose", 'v', NULL, 0, "Also draw how the clients qualify", 2},
    {0},
};

static void fail(struct argp_state *state, const char *option, const struct error *error)
{
    argp_error(state, "%s: %s%s%s", option, error->what, error->hint[0] != '\0' ? "; " : "",
               error->hint);
}

static void parse_link(struct lab_options *o, struct argp_state *state, const char *property,
                       const char *arg)
{
    struct error error = {0};

    if (link_config_parse(o->topology.link, property, arg, &error) != 0) {
        char option[16];

        snprintf(option, sizeof option, "--%s", property);
        fail(state, option, &error);
    }
}

static void parse_nat(struct lab_options *o, struct argp_state *state, enum lab_host host,
                      const char *option, const char *arg)
{
    struct error error = {0};

    if (nat_config_parse(arg, &o->topology.nat[host], &error) != 0)
        fail(state, option, &error);
}

static void parse_also(struct lab_options *o, struct argp_state *state, char *arg)
{
    char *equals = strchr(arg, '=');

    if (o->also_count == LAB_MAX_ALSO)
        argp_error(state, "--also: no more than %d", LAB_MAX_ALSO);
    if (equals == NULL || equals[1] == '\0') {
        argp_error(state, "--also: '%s' is not a HOST=COMMAND", arg);
        return;
    }
    *equals = '\0';
    if (!lab_host_named(arg, &o->also[o->also_count].host))
        argp_error(state, "--also: '%s' is none of a, b, s1, s2", arg);
    o->also[o->also_count++].command = equals + 1;
}

static uint64_t parse_unsigned(struct argp_state *state, const char *option, const char *arg)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(arg, &end, 0);
    if (end == arg || *end != '\0' || errno != 0 || arg[0] == '-')
        argp_error(state, "%s: '%s' is not a number", option, arg);
    return value;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct lab_options *o = state->input;

    switch (key) {
    case OPTION_NAT_A:
        parse_nat(o, state, LAB_A, "--nat-a", arg);
        break;
    case OPTION_NAT_B:
        parse_nat(o, state, LAB_B, "--nat-b", arg);
        break;
    case OPTION_DELAY:
        parse_link(o, state, "delay", arg);
        break;
    case OPTION_JITTER:
        parse_link(o, state, "jitter", arg);
        break;
    case OPTION_LOSS:
        parse_link(o, state, "loss", arg);
        break;
    case OPTION_DUPLICATE:
        parse_link(o, state, "duplicate", arg);
        break;
    case OPTION_REORDER:
        parse_link(o, state, "reorder", arg);
        break;
    case OPTION_SEED:
        o->topology.seed = parse_unsigned(state, "--seed", arg);
        break;
    case OPTION_ON:
        if (!lab_host_named(arg, &o->on))
            argp_error(state, "--on: '%s' is none of a, b, s1, s2", arg);
        break;
    case OPTION_ALSO:
        parse_also(o, state, arg);
        break;
    case OPTION_PCAP:
        o->pcap = arg;
        break;
    case OPTION_PCAP_EACH:
        o->pcap = arg;
        o->pcap_each = true;
        break;
    case OPTION_FORMAT:
        o->format = option_chart_format(state, arg);
        break;
    case OPTION_HEADER:
        o->header = true;
        break;
    case OPTION_ASCII:
        o->ascii = true;
        break;
    case OPTION_WIDTH:
        o->width = (unsigned)option_number(state, "--width", arg, 1, 10000);
        break;
    case OPTION_COLOR:
        o->color = option_color(state, arg, o->color);
        break;
    case 'q':
        o->quiet = true;
        break;
    case 'v':
        o->verbose = true;
        break;
    case ARGP_KEY_ARG:
        o->command = &state->argv[state->next - 1];
        state->next = state->argc;
        break;
    case ARGP_KEY_SUCCESS:
        option_check_header(state, o->header, o->format);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[[--] COMMAND [ARGUMENT…]]",
    .doc = "A whole internet on this machine, without root: clients a and b behind NATs of any "
           "kind, servers s1 and s2. Runs COMMAND on host a with TEREDO_SERVER and TEREDO_PEER "
           "set; without COMMAND, traces a hole punch from a to b and draws it.\vThe exit status "
           "is that of COMMAND, or of the trace: 0 punched, 1 not punched, 2 inconclusive; 64 to "
           "77 errors of the lab itself, see teredoctl-lab(1).",
};

void lab_options_parse(struct lab_options *o, int argc, char **argv)
{
    struct error ignored;

    *o = (struct lab_options){
        .on = LAB_A,
        .ascii = !ladder_locale_is_utf8(),
        .color = option_color_default(),
        .width = terminal_width(),
    };
    nat_config_parse("port-restricted", &o->topology.nat[LAB_A], &ignored);
    nat_config_parse("port-restricted", &o->topology.nat[LAB_B], &ignored);
    entropy_fill(&o->topology.seed, sizeof o->topology.seed, &ignored);
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o);
}
