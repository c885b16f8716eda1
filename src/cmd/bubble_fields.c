/* The options of `teredoctl bubble` that set a field of the packet. */
#include "bubble_options.h"
#include "option_values.h"

enum {
    OPTION_FROM_ADDRESS = 0x200,
    OPTION_FROM_PORT,
    OPTION_SPOOF,
    OPTION_TTL,
    OPTION_TOS,
    OPTION_DF,
    OPTION_NO_DF,
    OPTION_IP_ID,
    OPTION_CHECKSUM,
    OPTION_AUTH,
    OPTION_NO_AUTH,
    OPTION_AUTH_ID,
    OPTION_AUTH_VALUE,
    OPTION_AUTH_NONCE,
    OPTION_CONFIRMATION,
    OPTION_ORIGIN,
    OPTION_NO_ORIGIN,
    OPTION_SOURCE,
    OPTION_DESTINATION,
    OPTION_HOP_LIMIT,
    OPTION_TRAFFIC_CLASS,
    OPTION_FLOW_LABEL,
    OPTION_NEXT_HEADER,
    OPTION_PAYLOAD,
    OPTION_PAYLOAD_LENGTH,
    OPTION_NONCE_TRAILER,
    OPTION_ALTERNATE,
    OPTION_ND_OPTION,
    OPTION_RANDOM_PORT,
    OPTION_TRAILER,
    OPTION_NO_TRAILERS,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "IPv4 and UDP:", 3},
    {"from-address", OPTION_FROM_ADDRESS, "IP", 0, "Source address (default: the route's)", 0},
    {"from-port", OPTION_FROM_PORT, "PORT", 0, "Source port, another program's too (default: any)",
     0},
    {"spoof", OPTION_SPOOF, NULL, 0, "Allow a --from-address that this host does not have", 0},
    {"ttl", OPTION_TTL, "N", 0, "Time to live (default: 64)", 0},
    {"tos", OPTION_TOS, "N", 0, "Type of service, DSCP and ECN (default: 0)", 0},
    {"df", OPTION_DF, NULL, 0, "Set the don't fragment bit", 0},
    {"no-df", OPTION_NO_DF, NULL, 0, "Clear it", 0},
    {"ip-id", OPTION_IP_ID, "N", 0, "Identification; 0: the system chooses (default)", 0},
    {"checksum", OPTION_CHECKSUM, "right|zero|wrong", 0, "UDP checksum (default: right)", 0},

    {NULL, 0, NULL, 0, "Teredo encapsulations:", 4},
    {"auth", OPTION_AUTH, NULL, 0, "An authentication header with a random nonce", 0},
    {"no-auth", OPTION_NO_AUTH, NULL, 0, "None, for --rs and --from-file", 0},
    {"auth-id", OPTION_AUTH_ID, "TEXT|0xHEX", 0, "Client identifier", 0},
    {"auth-value", OPTION_AUTH_VALUE, "HEX", 0, "Authentication value", 0},
    {"auth-nonce", OPTION_AUTH_NONCE, "HEX", 0, "Nonce, 8 bytes", 0},
    {"confirmation", OPTION_CONFIRMATION, "N", 0, "Confirmation byte", 0},
    {"origin", OPTION_ORIGIN, "IP:PORT", 0, "An origin indication", 0},
    {"no-origin", OPTION_NO_ORIGIN, NULL, 0, "None, for --from-file", 0},

    {NULL, 0, NULL, 0, "IPv6:", 5},
    {"source", OPTION_SOURCE, "ADDRESS", 0, "Source (default: a random link-local address)", 0},
    {"destination", OPTION_DESTINATION, "ADDRESS", 0, "Destination (default: PEER)", 0},
    {"hop-limit", OPTION_HOP_LIMIT, "N", 0, "Hop limit", 0},
    {"traffic-class", OPTION_TRAFFIC_CLASS, "N", 0, "Traffic class", 0},
    {"flow-label", OPTION_FLOW_LABEL, "N", 0, "Flow label, 20 bits", 0},
    {"next-header", OPTION_NEXT_HEADER, "N", 0, "Next header (default: 59; ICMPv6: 58)", 0},
    {"payload", OPTION_PAYLOAD, "HEX", 0, "Payload; with --echo its data, with --rs its options",
     0},
    {"payload-length", OPTION_PAYLOAD_LENGTH, "N", 0, "Payload length, true or not", 0},

    {NULL, 0, NULL, 0, "Trailers of RFC 6081, in the order given:", 6},
    {"nonce-trailer", OPTION_NONCE_TRAILER, "HEX", OPTION_ARG_OPTIONAL,
     "Nonce, 4 bytes (default: random)", 0},
    {"alternate-address", OPTION_ALTERNATE, "IP:PORT,...", 0, "One to four alternate addresses", 0},
    {"nd-option", OPTION_ND_OPTION, "TYPE", OPTION_ARG_OPTIONAL,
     "Neighbor discovery option: solicitation (default), advertisement or a number", 0},
    {"random-port", OPTION_RANDOM_PORT, "PORT", 0, "Random port", 0},
    {"trailer", OPTION_TRAILER, "TYPE:HEX", 0, "Any trailer", 0},
    {"no-trailers", OPTION_NO_TRAILERS, NULL, 0, "None of the packet in --from-file", 0},
    {0},
};

static void set_field(struct bubble_options *o, enum bubble_field field)
{
    o->given |= (unsigned)field;
}

static error_t parse_outer(int key, char *arg, struct argp_state *state)
{
    struct bubble_options *o = state->input;
    struct udp_options *udp = &o->set.udp;

    switch (key) {
    case OPTION_FROM_ADDRESS:
        if (!ip4_parse(arg, &o->from.address) || o->from.address == 0)
            argp_error(state, "--from-address: '%s' is not an IPv4 address", arg);
        return 0;
    case OPTION_FROM_PORT:
        o->from.port = (uint16_t)option_number(state, "--from-port", arg, 1, UINT16_MAX);
        return 0;
    case OPTION_SPOOF:
        o->spoof = true;
        return 0;
    case OPTION_TTL:
        udp->ttl = (uint8_t)value_number(state, "--ttl", arg, 1, UINT8_MAX);
        set_field(o, FIELD_TTL);
        return 0;
    case OPTION_TOS:
        udp->tos = (uint8_t)value_number(state, "--tos", arg, 0, UINT8_MAX);
        set_field(o, FIELD_TOS);
        return 0;
    case OPTION_DF:
    case OPTION_NO_DF:
        udp->dont_fragment = key == OPTION_DF;
        set_field(o, FIELD_DF);
        return 0;
    case OPTION_IP_ID:
        udp->id = (uint16_t)value_number(state, "--ip-id", arg, 0, UINT16_MAX);
        set_field(o, FIELD_IP_ID);
        return 0;
    case OPTION_CHECKSUM:
        udp->checksum = value_checksum(state, arg);
        set_field(o, FIELD_CHECKSUM);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_encapsulation(int key, char *arg, struct argp_state *state)
{
    struct bubble_options *o = state->input;
    struct teredo_auth *auth = &o->set.packet.auth;
    size_t size;

    switch (key) {
    case OPTION_AUTH:
        set_field(o, FIELD_AUTH);
        return 0;
    case OPTION_NO_AUTH:
        o->no_auth = true;
        return 0;
    case OPTION_AUTH_ID:
        auth->client_id = value_text_or_hex(state, "--auth-id", arg, &o->room, UINT8_MAX, &size);
        auth->client_id_size = (uint8_t)size;
        set_field(o, FIELD_AUTH_ID);
        return 0;
    case OPTION_AUTH_VALUE:
        auth->value = value_hex(state, "--auth-value", arg, &o->room, UINT8_MAX, &size);
        auth->value_size = (uint8_t)size;
        set_field(o, FIELD_AUTH_VALUE);
        return 0;
    case OPTION_AUTH_NONCE:
        value_bytes(state, "--auth-nonce", arg, auth->nonce, sizeof auth->nonce);
        set_field(o, FIELD_AUTH_NONCE);
        return 0;
    case OPTION_CONFIRMATION:
        auth->confirmation = (uint8_t)value_number(state, "--confirmation", arg, 0, UINT8_MAX);
        set_field(o, FIELD_CONFIRMATION);
        return 0;
    case OPTION_ORIGIN:
        if (!endpoint_parse(arg, 0, &o->set.packet.origin))
            argp_error(state, "--origin: '%s' is not an IPv4 address and port", arg);
        set_field(o, FIELD_ORIGIN);
        return 0;
    case OPTION_NO_ORIGIN:
        o->no_origin = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_ip6(int key, char *arg, struct argp_state *state)
{
    struct bubble_options *o = state->input;
    struct teredo_packet *p = &o->set.packet;

    switch (key) {
    case OPTION_SOURCE:
        p->ip6.source = value_ip6(state, "--source", arg);
        set_field(o, FIELD_SOURCE);
        return 0;
    case OPTION_DESTINATION:
        p->ip6.destination = value_ip6(state, "--destination", arg);
        set_field(o, FIELD_DESTINATION);
        return 0;
    case OPTION_HOP_LIMIT:
        p->ip6.hop_limit = (uint8_t)value_number(state, "--hop-limit", arg, 0, UINT8_MAX);
        set_field(o, FIELD_HOP_LIMIT);
        return 0;
    case OPTION_TRAFFIC_CLASS:
        p->ip6.traffic_class = (uint8_t)value_number(state, "--traffic-class", arg, 0, UINT8_MAX);
        set_field(o, FIELD_TRAFFIC_CLASS);
        return 0;
    case OPTION_FLOW_LABEL:
        p->ip6.flow_label = (uint32_t)value_number(state, "--flow-label", arg, 0, 0xfffff);
        set_field(o, FIELD_FLOW_LABEL);
        return 0;
    case OPTION_NEXT_HEADER:
        p->ip6.next_header = (uint8_t)value_number(state, "--next-header", arg, 0, UINT8_MAX);
        set_field(o, FIELD_NEXT_HEADER);
        return 0;
    case OPTION_PAYLOAD:
        p->payload =
            value_hex(state, "--payload", arg, &o->room, CRAFT_MAX_PAYLOAD, &p->payload_size);
        set_field(o, FIELD_PAYLOAD);
        return 0;
    case OPTION_PAYLOAD_LENGTH:
        p->ip6.payload_length =
            (uint16_t)value_number(state, "--payload-length", arg, 0, UINT16_MAX);
        set_field(o, FIELD_PAYLOAD_LENGTH);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_trailer(int key, char *arg, struct argp_state *state)
{
    struct bubble_options *o = state->input;
    struct teredo_packet *p = &o->set.packet;
    struct teredo_trailer trailer;

    switch (key) {
    case OPTION_NONCE_TRAILER:
        trailer = value_nonce_trailer(state, arg, &o->room);
        if (arg == NULL)
            o->random_trailers |= 1U << p->trailer_count;
        break;
    case OPTION_ALTERNATE:
        trailer = value_alternates(state, arg, &o->room);
        break;
    case OPTION_ND_OPTION:
        trailer = value_nd_option(state, arg, &o->room);
        break;
    case OPTION_RANDOM_PORT:
        trailer = value_random_port(state, arg, &o->room);
        break;
    case OPTION_TRAILER:
        trailer = value_trailer(state, arg, &o->room);
        break;
    case OPTION_NO_TRAILERS:
        o->no_trailers = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    if (p->trailer_count == TEREDO_MAX_TRAILERS)
        argp_error(state, "more than %d trailers", TEREDO_MAX_TRAILERS);
    else
        p->trailers[p->trailer_count++] = trailer;
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    static error_t (*const parsers[])(int, char *, struct argp_state *) = {
        parse_outer, parse_encapsulation, parse_ip6, parse_trailer};
    error_t result = ARGP_ERR_UNKNOWN;

    for (unsigned i = 0; i < sizeof parsers / sizeof *parsers && result == ARGP_ERR_UNKNOWN; i++)
        result = parsers[i](key, arg, state);
    return result;
}

const struct argp bubble_fields_argp = {.options = options, .parser = parse_option};
