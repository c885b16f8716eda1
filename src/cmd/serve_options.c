#include "serve_options.h"

#include <limits.h>
#include <string.h>
#include <sysexits.h>

#include "option_values.h"

enum {
    OPTION_ADDRESS = 0x100,
    OPTION_SECONDARY,
    OPTION_PORT,
    OPTION_EXTRA_PORT,
    OPTION_MTU,
    OPTION_PRIVATE,
    OPTION_SECRETS,
    OPTION_REQUIRE_AUTH,
    OPTION_USER,
    OPTION_COUNT,
    OPTION_DURATION,
    OPTION_FORMAT,
    OPTION_HEADER,

    MTU_MIN = 1280, /* RFC 8200 5 */
    MTU_MAX = 1472, /* what fits an Ethernet frame behind IPv4 and UDP */
};

static const struct argp_option options[] = {
    {"address", OPTION_ADDRESS, "IP", 0,
     "Primary address: the one in the clients' Teredo addresses (required)", 0},
    {"secondary", OPTION_SECONDARY, "IP", 0, "Secondary address (default: the primary plus one)",
     0},
    {"port", OPTION_PORT, "PORT", 0, "UDP port of both (default: 3544, where clients look)", 0},
    {"extra-port", OPTION_EXTRA_PORT, "PORT", 0,
     "Serve on this port as well, so that clients can tell whether their NAT looks at ports", 0},
    {"mtu", OPTION_MTU, "BYTES", 0, "MTU to advertise, 1280 to 1472 (default: 1280)", 0},
    {"allow-private", OPTION_PRIVATE, NULL, 0,
     "Also serve private, loopback and link-local addresses (laboratories)", 0},
    {"auth-secret-file", OPTION_SECRETS, "FILE", 0,
     "Clients that may qualify securely: one \"identifier:secret\" a line", 0},
    {"require-auth", OPTION_REQUIRE_AUTH, NULL, 0, "Answer nobody's router solicitation but theirs",
     0},
    {"user", OPTION_USER, "NAME", 0, "User to become when started as root (default: nobody)", 0},
    {"count", OPTION_COUNT, "N", 0, "End after N datagrams were received", 0},
    {"duration", OPTION_DURATION, "SECONDS", 0, "End after this time", 0},
    {"format", OPTION_FORMAT, "text|json|jsonl|tsv", 0, "How to print the counters (default: text)",
     0},
    {"header", OPTION_HEADER, NULL, 0, OPTION_HEADER_DOC, 0},
    {"quiet", 'q', NULL, 0, "Print nothing on standard error but errors", 0},
    {"verbose", 'v', NULL, 0, "Log every packet on standard error", 0},
    {0},
};

static uint32_t parse_address(struct argp_state *state, const char *name, const char *text)
{
    uint32_t address = 0;

    if (!ip4_parse(text, &address))
        argp_error(state, "%s: '%s' is not an IPv4 address", name, text);
    return address;
}

static void finish(struct serve_options *o, struct argp_state *state)
{
    if (o->server.primary == 0)
        argp_error(state, "no --address given");
    if (o->server.secondary == 0)
        o->server.secondary = o->server.primary + 1;
    if (o->server.secondary == o->server.primary)
        argp_error(state, "--secondary must differ from --address: a cone test is answered from "
                          "another address (RFC 4380 5.3.2)");
    if (o->server.other_port == o->server.port)
        argp_error(state, "--extra-port must differ from --port");
    if (o->server.require_auth && o->secrets == NULL)
        argp_error(state, "--require-auth needs --auth-secret-file");
    option_check_header(state, o->header, o->format);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct serve_options *o = state->input;

    switch (key) {
    case OPTION_ADDRESS:
        o->server.primary = parse_address(state, "--address", arg);
        break;
    case OPTION_SECONDARY:
        o->server.secondary = parse_address(state, "--secondary", arg);
        break;
    case OPTION_PORT:
        o->server.port = (uint16_t)option_number(state, "--port", arg, 1, 65535);
        break;
    case OPTION_EXTRA_PORT:
        o->server.other_port = (uint16_t)option_number(state, "--extra-port", arg, 1, 65535);
        break;
    case OPTION_MTU:
        o->server.mtu = (uint32_t)option_number(state, "--mtu", arg, MTU_MIN, MTU_MAX);
        break;
    case OPTION_PRIVATE:
        o->server.allow_private = true;
        break;
    case OPTION_SECRETS:
        o->secrets = arg;
        break;
    case OPTION_REQUIRE_AUTH:
        o->server.require_auth = true;
        break;
    case OPTION_USER:
        o->user = arg;
        break;
    case OPTION_COUNT:
        o->count = (uint64_t)option_number(state, "--count", arg, 1, LONG_MAX);
        break;
    case OPTION_DURATION:
        o->duration = option_seconds(state, "--duration", arg);
        break;
    case OPTION_FORMAT:
        o->format = option_format(state, arg);
        break;
    case OPTION_HEADER:
        o->header = true;
        break;
    case 'q':
        o->quiet = true;
        break;
    case 'v':
        o->verbose = true;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s': takes options only; did you mean --address %s?", arg, arg);
        break;
    case ARGP_KEY_END:
        finish(o, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "--address IP",
    .doc = "Be a Teredo server (RFC 4380 5.3): answer router solicitations, relay bubbles and "
           "ICMPv6 echoes between Teredo clients."
           "\vSIGUSR1 prints the counters so far. Exit status: 0 ended by a signal, --count or "
           "--duration; 64 to 77 errors, see teredoctl-serve(1).",
};

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

int serve_options_parse(struct serve_options *o, int argc, char **argv, struct error *error)
{
    *o = (struct serve_options){
        .server = {.port = TEREDO_PORT, .mtu = TEREDO_MTU},
        .count = UINT64_MAX,
    };
    argv[0] = "teredoctl serve";
    argp_parse(&argp, argc, argv, 0, NULL, o);
    if (check_global(o, o->server.primary, error) != 0)
        return -1;
    return check_global(o, o->server.secondary, error);
}
