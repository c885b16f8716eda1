#include "bubble_options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TRAILER_NONCE_SIZE = 4,
    ALTERNATE_SIZE = 6,
    TRAILER_MAX_VALUE = 255,
    MAX_COUNT = 1000000,
    MAX_RATE = 1000000, /* packets a second */
};

/* Room for SIZE bytes that `set` may borrow, or NULL if there is no more. */
static uint8_t *take_room(struct bubble_options *o, size_t size)
{
    uint8_t *p = o->room + o->room_used;

    if (size > sizeof o->room - o->room_used)
        return NULL;
    o->room_used += size;
    return p;
}

/* At most MAX bytes in hexadecimal, kept in the room. */
static const uint8_t *value_hex(const struct option_value *v, struct bubble_options *o, size_t max,
                                size_t *size)
{
    size_t left = sizeof o->room - o->room_used;
    long n = value_read_hex(v->text, o->room + o->room_used, max < left ? max : left);

    if (n < 0)
        argp_error(v->state, "%s: '%.40s' is not up to %zu bytes in hexadecimal", v->name, v->text,
                   max);
    *size = n < 0 ? 0 : (size_t)n;
    return take_room(o, *size);
}

/* Exactly SIZE bytes in hexadecimal. */
static void value_bytes(const struct option_value *v, uint8_t *out, size_t size)
{
    if (value_read_hex(v->text, out, size) != (long)size)
        argp_error(v->state, "%s: '%.40s' is not %zu bytes in hexadecimal", v->name, v->text, size);
}

static void parse_from_address(const struct option_value *v, void *options)
{
    struct bubble_options *o = options;

    if (!ip4_parse(v->text, &o->from.address) || o->from.address == 0)
        argp_error(v->state, "%s: '%s' is not an IPv4 address", v->name, v->text);
}

/* Text as it is, or bytes in hexadecimal after 0x. */
static void parse_auth_id(const struct option_value *v, void *options)
{
    struct bubble_options *o = options;
    struct teredo_auth *auth = &o->set.packet.auth;
    struct option_value hex = *v;
    size_t size = strlen(v->text);
    uint8_t *p;

    if (strncmp(v->text, "0x", 2) == 0) {
        hex.text += 2;
        auth->client_id = value_hex(&hex, o, UINT8_MAX, &size);
    } else if (size > UINT8_MAX || (p = take_room(o, size)) == NULL) {
        argp_error(v->state, "%s: more than %d bytes", v->name, UINT8_MAX);
    } else {
        auth->client_id = memcpy(p, v->text, size);
    }
    auth->client_id_size = (uint8_t)size;
}

static void parse_auth_value(const struct option_value *v, void *options)
{
    struct bubble_options *o = options;
    size_t size;

    o->set.packet.auth.value = value_hex(v, o, UINT8_MAX, &size);
    o->set.packet.auth.value_size = (uint8_t)size;
}

static void parse_auth_nonce(const struct option_value *v, void *options)
{
    struct bubble_options *o = options;

    value_bytes(v, o->set.packet.auth.nonce, sizeof o->set.packet.auth.nonce);
}

static void parse_payload(const struct option_value *v, void *options)
{
    struct bubble_options *o = options;

    o->set.packet.payload = value_hex(v, o, CRAFT_MAX_PAYLOAD, &o->set.packet.payload_size);
}

static void add_trailer(const struct option_value *v, struct bubble_options *o,
                        struct teredo_trailer trailer)
{
    struct teredo_packet *p = &o->set.packet;

    if (p->trailer_count == TEREDO_MAX_TRAILERS)
        argp_error(v->state, "more than %d trailers", TEREDO_MAX_TRAILERS);
    else
        p->trailers[p->trailer_count++] = trailer;
}

/* A writer of up to SIZE bytes of a trailer, which finish_trailer adds. */
static struct writer begin_trailer(struct bubble_options *o, size_t size)
{
    uint8_t *p = take_room(o, size);

    return writer_of(p, p != NULL ? size : 0);
}

static void finish_trailer(const struct option_value *v, struct bubble_options *o, uint8_t type,
                           const struct writer *w)
{
    add_trailer(v, o, (struct teredo_trailer){type, (uint8_t)w->size, w->data});
}

static void parse_nonce_trailer(const struct option_value *v, void *options)
{
    struct bubble_options *o = options;
    struct writer w = begin_trailer(o, TRAILER_NONCE_SIZE);

    writer_zeros(&w, TRAILER_NONCE_SIZE);
    if (v->text == NULL)
        o->random_trailers |= 1U << o->set.packet.trailer_count;
    else if (!w.failed)
        value_bytes(v, w.data, TRAILER_NONCE_SIZE);
    finish_trailer(v, o, TRAILER_NONCE, &w);
}

/* Up to four IP:PORT parted by commas. */
static void parse_alternates(const struct option_value *v, void *options)
{
    struct bubble_options *o = options;
    struct writer w = begin_trailer(o, 2 + TEREDO_MAX_ALTERNATES * ALTERNATE_SIZE);
    const char *text = v->text;

    writer_u16(&w, 0);
    for (unsigned n = 0;; n++, text++) {
        size_t size = strcspn(text, ",");
        char one[ENDPOINT_STRLEN] = "";
        struct endpoint e = {0};

        if (size < sizeof one)
            memcpy(one, text, size);
        if (n == TEREDO_MAX_ALTERNATES)
            argp_error(v->state, "%s: more than %d addresses", v->name, TEREDO_MAX_ALTERNATES);
        else if (!endpoint_parse(one, 0, &e))
            argp_error(v->state,
                       "%s: '%s' is not an IPv4 address and port (192.0.2.45:40000), or several "
                       "parted by commas",
                       v->name, text);
        writer_u32(&w, e.address);
        writer_u16(&w, e.port);
        text += size;
        if (*text == '\0')
            break;
    }
    finish_trailer(v, o, TRAILER_ALTERNATE_ADDRESS, &w);
}

static void parse_nd_option(const struct option_value *v, void *options)
{
    struct writer w = begin_trailer(options, 4);
    uint8_t type = 0;

    if (v->text != NULL && strcmp(v->text, "advertisement") == 0)
        type = 1;
    else if (v->text != NULL && strcmp(v->text, "solicitation") != 0)
        type = (uint8_t)value_number(v, 0, UINT8_MAX);
    writer_u8(&w, type);
    writer_zeros(&w, 3);
    finish_trailer(v, options, TRAILER_ND_OPTION, &w);
}

static void parse_random_port(const struct option_value *v, void *options)
{
    struct writer w = begin_trailer(options, 2);

    writer_u16(&w, (uint16_t)value_number(v, 0, UINT16_MAX));
    finish_trailer(v, options, TRAILER_RANDOM_PORT, &w);
}

/* TYPE:HEX. TYPE is in hexadecimal too, as RFC 6081 has it, with 0x or without: one or two digits.
 */
static void parse_trailer(const struct option_value *v, void *options)
{
    struct option_value hex = *v;
    char *colon = strchr(v->text, ':'), *end;
    const char *type = strncasecmp(v->text, "0x", 2) == 0 ? v->text + 2 : v->text;
    struct teredo_trailer trailer = {0};
    size_t size = 0;

    if (colon == NULL || colon - type < 1 || colon - type > 2 || !isxdigit((unsigned char)*type) ||
        (trailer.type = (uint8_t)strtoul(type, &end, 16), end != colon)) {
        argp_error(v->state, "%s: '%.40s' is not a TYPE:HEX, as 05:1f90", v->name, v->text);
        return;
    }
    hex.text = colon + 1;
    trailer.value = value_hex(&hex, options, TRAILER_MAX_VALUE, &size);
    trailer.size = (uint8_t)size;
    add_trailer(v, options, trailer);
}

#define FIELD(kind, field, lowest, highest) \
    OPTION_OF(kind, struct bubble_options, set.field), .low = (lowest), .high = (highest)
#define BYTE_FIELD(field) FIELD(VALUE_NUMBER, field, 0, UINT8_MAX)
/* The field, and the ones behind it up to NEXT. */
#define FIELDS_UP_TO(field, next)                     \
    .at = offsetof(struct bubble_options, set.field), \
    .size = offsetof(struct bubble_options, set.next) - offsetof(struct bubble_options, set.field)

const struct option_entry bubble_options[] = {
    {NULL, 0, NULL, "Where to:", .group = 1},
    {"direct", 0, NULL, "To the mapped endpoint in PEER (the default)",
     OPTION_FLAG(struct bubble_options, direct)},
    {"indirect", 0, NULL, "To the server in PEER; with --direct, to both",
     OPTION_FLAG(struct bubble_options, indirect)},
    {"to", 0, "HOST[:PORT]", "To this endpoint (default port: 3544)",
     OPTION_TEXT(struct bubble_options, to)},

    {NULL, 0, NULL, "What, if not a bubble:", .group = 2},
    {"rs", 0, NULL, "A router solicitation (default: to $TEREDO_SERVER)",
     OPTION_SET(struct bubble_options, message, MESSAGE_RS), .given = GIVEN_RS},
    {"echo", 0, NULL, "An ICMPv6 echo request",
     OPTION_SET(struct bubble_options, message, MESSAGE_ECHO), .given = GIVEN_ECHO},
    {"from-file", 0, "FILE", "A packet of this capture, changed by the options",
     OPTION_TEXT(struct bubble_options, from_file), .given = GIVEN_FILE},
    {"packet", 0, "N", "Which packet of the capture (default: 1)",
     OPTION_NUMBER(struct bubble_options, packet, 1, UINT32_MAX)},

    {NULL, 0, NULL, "IPv4 and UDP:", .group = 3},
    {"from-address", 0, "IP", "Source address (default: the route's)",
     OPTION_PARSED(parse_from_address)},
    {"from-port", 0, "PORT", "Source port, another program's too (default: any)",
     OPTION_NUMBER(struct bubble_options, from.port, 1, UINT16_MAX)},
    {"spoof", 0, NULL, "Allow a --from-address that this host does not have",
     OPTION_FLAG(struct bubble_options, spoof)},
    {"ttl", 0, "N", "Time to live (default: 64)", FIELD(VALUE_NUMBER, udp.ttl, 1, UINT8_MAX),
     .given = FIELD_TTL},
    {"tos", 0, "N", "Type of service, DSCP and ECN (default: 0)", BYTE_FIELD(udp.tos),
     .given = FIELD_TOS},
    {"df", 0, NULL, "Set the don't fragment bit",
     OPTION_SET(struct bubble_options, set.udp.dont_fragment, true), .given = FIELD_DF},
    {"no-df", 0, NULL, "Clear it", OPTION_SET(struct bubble_options, set.udp.dont_fragment, false),
     .given = FIELD_DF},
    {"ip-id", 0, "N", "Identification; 0: the system chooses (default)",
     FIELD(VALUE_NUMBER, udp.id, 0, UINT16_MAX), .given = FIELD_IP_ID},
    {"checksum", 0, "right|zero|wrong", "UDP checksum (default: right)",
     FIELD(VALUE_WORD, udp.checksum, 0, 0), .given = FIELD_CHECKSUM},

    {NULL, 0, NULL, "Teredo encapsulations:", .group = 4},
    {"auth", 0, NULL, "An authentication header with a random nonce", .given = FIELD_AUTH},
    {"no-auth", 0, NULL, "None, for --rs and --from-file",
     OPTION_FLAG(struct bubble_options, no_auth)},
    {"auth-id", 0, "TEXT|0xHEX", "Client identifier", OPTION_PARSED(parse_auth_id),
     FIELDS_UP_TO(packet.auth.client_id, packet.auth.value), .given = FIELD_AUTH_ID},
    {"auth-value", 0, "HEX", "Authentication value", OPTION_PARSED(parse_auth_value),
     FIELDS_UP_TO(packet.auth.value, packet.auth.nonce), .given = FIELD_AUTH_VALUE},
    {"auth-nonce", 0, "HEX", "Nonce, 8 bytes", OPTION_PARSED(parse_auth_nonce),
     FIELDS_UP_TO(packet.auth.nonce, packet.auth.confirmation), .given = FIELD_AUTH_NONCE},
    {"confirmation", 0, "N", "Confirmation byte", BYTE_FIELD(packet.auth.confirmation),
     .given = FIELD_CONFIRMATION},
    {"origin", 0, "IP:PORT", "An origin indication", FIELD(VALUE_ENDPOINT, packet.origin, 0, 0),
     .given = FIELD_ORIGIN},
    {"no-origin", 0, NULL, "None, for --from-file", OPTION_FLAG(struct bubble_options, no_origin)},

    {NULL, 0, NULL, "IPv6:", .group = 5},
    {"source", 0, "ADDRESS", "Source (default: a random link-local address)",
     FIELD(VALUE_IP6, packet.ip6.source, 0, 0), .given = FIELD_SOURCE},
    {"destination", 0, "ADDRESS", "Destination (default: PEER)",
     FIELD(VALUE_IP6, packet.ip6.destination, 0, 0), .given = FIELD_DESTINATION},
    {"hop-limit", 0, "N", "Hop limit", BYTE_FIELD(packet.ip6.hop_limit), .given = FIELD_HOP_LIMIT},
    {"traffic-class", 0, "N", "Traffic class", BYTE_FIELD(packet.ip6.traffic_class),
     .given = FIELD_TRAFFIC_CLASS},
    {"flow-label", 0, "N", "Flow label, 20 bits",
     FIELD(VALUE_NUMBER, packet.ip6.flow_label, 0, 0xfffff), .given = FIELD_FLOW_LABEL},
    {"next-header", 0, "N", "Next header (default: 59; ICMPv6: 58)",
     BYTE_FIELD(packet.ip6.next_header), .given = FIELD_NEXT_HEADER},
    {"payload", 0, "HEX", "Payload; with --echo its data, with --rs its options",
     OPTION_PARSED(parse_payload), .given = FIELD_PAYLOAD},
    {"payload-length", 0, "N", "Payload length, true or not",
     FIELD(VALUE_NUMBER, packet.ip6.payload_length, 0, UINT16_MAX), .given = FIELD_PAYLOAD_LENGTH},

    {NULL, 0, NULL, "Trailers of RFC 6081, in the order given:", .group = 6},
    {"nonce-trailer", 0, "HEX", "Nonce, 4 bytes (default: random)", .flags = OPTION_ARG_OPTIONAL,
     OPTION_PARSED(parse_nonce_trailer)},
    {"alternate-address", 0, "IP:PORT,...", "One to four alternate addresses",
     OPTION_PARSED(parse_alternates)},
    {"nd-option", 0, "TYPE",
     "Neighbor discovery option: solicitation (default), advertisement or a number",
     .flags = OPTION_ARG_OPTIONAL, OPTION_PARSED(parse_nd_option),
     .words = "solicitation|advertisement"},
    {"random-port", 0, "PORT", "Random port", OPTION_PARSED(parse_random_port)},
    {"trailer", 0, "TYPE:HEX", "Any trailer", OPTION_PARSED(parse_trailer)},
    {"no-trailers", 0, NULL, "None of the packet in --from-file",
     OPTION_FLAG(struct bubble_options, no_trailers)},

    {NULL, 0, NULL, "Sending and listening:", .group = 7},
    {"count", 0, "N", "Send N times (default: 1)",
     OPTION_NUMBER(struct bubble_options, count, 1, MAX_COUNT)},
    {"interval", 0, "SECONDS", "Time from one to the next (default: 1)",
     OPTION_SECONDS(struct bubble_options, interval), .given = GIVEN_INTERVAL},
    {"rate", 0, "N", "Send N packets a second; needed for more than 10",
     OPTION_NUMBER(struct bubble_options, rate, 1, MAX_RATE)},
    {"wait", 0, "SECONDS", "Then listen so long, and print what comes back",
     OPTION_SECONDS(struct bubble_options, wait)},
    {"dry-run", 0, NULL, "Send nothing; print each packet, decoded and in hex",
     OPTION_FLAG(struct bubble_options, dry_run)},
    {"write", 0, "FILE", "Send nothing; write a capture",
     OPTION_TEXT(struct bubble_options, write)},
    {OPTION_FORMAT(FORMATS, FORMATS, "How to print results (default: text)")},
    {OPTION_HEADER},
    {OPTION_QUIET("Print the summary only")},
    {OPTION_VERBOSE("Print the fields of every packet on standard error")},
    {0},
};

void bubble_set_fields(const struct bubble_options *o, struct craft *c)
{
    const size_t set = offsetof(struct bubble_options, set);

    for (const struct option_entry *e = bubble_options; !option_is_end(e); e++)
        if (bubble_given(o, e->given & FIELDS_ALL) && e->size > 0)
            memcpy((char *)c + (e->at - set), (const char *)o + e->at, e->size);
}

void bubble_take_peer(const struct option_value *v, void *options)
{
    struct bubble_options *o = options;
    struct option_value peer = *v;

    if (o->has_peer)
        argp_error(v->state, "only one PEER can be given");
    peer.name = "PEER";
    o->peer = value_teredo(&peer, &o->peer_parts);
    o->has_peer = true;
}

static void settle_message(struct bubble_options *o, struct argp_state *state)
{
    if (__builtin_popcount(o->common.given & (GIVEN_RS | GIVEN_ECHO | GIVEN_FILE)) > 1)
        argp_error(state, "--rs, --echo and --from-file exclude each other");
    if (o->from_file != NULL)
        o->message = MESSAGE_FILE;
}

/* A packet of a file goes where it went, unless a PEER is named on the command line. */
static void check_aim(struct bubble_options *o, struct argp_state *state)
{
    struct option_value peer = {.state = state, .text = getenv("TEREDO_PEER")};
    bool needs_peer = o->message == MESSAGE_BUBBLE || o->message == MESSAGE_ECHO;

    if (!o->has_peer && peer.text != NULL && needs_peer)
        bubble_take_peer(&peer, o);
    if (!o->has_peer && (o->direct || o->indirect))
        argp_error(state, "--direct and --indirect need a PEER");
    if (o->to != NULL && (o->direct || o->indirect))
        argp_error(state, "--to excludes --direct and --indirect");
    if (!o->has_peer && o->to == NULL && needs_peer)
        argp_error(state, "no PEER and no --to given, and TEREDO_PEER is not set");
    if (!o->has_peer && needs_peer && !bubble_given(o, FIELD_DESTINATION))
        argp_error(state, "--to without a PEER needs the --destination");
    if (!o->has_peer && o->to == NULL && o->message == MESSAGE_RS &&
        getenv("TEREDO_SERVER") == NULL)
        argp_error(state, "--rs: no --to and no PEER given, and TEREDO_SERVER is not set");
    /* The usual way of each. */
    if (o->has_peer && o->to == NULL && !o->direct && !o->indirect) {
        o->direct = o->message != MESSAGE_RS;
        o->indirect = o->message == MESSAGE_RS;
    }
}

void bubble_check(void *options, struct argp_state *state)
{
    struct bubble_options *o = options;

    settle_message(o, state);
    check_aim(o, state);
    if (o->packet != 0 && o->from_file == NULL)
        argp_error(state, "--packet goes with --from-file");
    if ((o->no_origin || o->no_trailers) && o->from_file == NULL)
        argp_error(state, "--no-origin and --no-trailers go with --from-file");
    if (o->no_auth && bubble_given(o, FIELDS_OF_AUTH))
        argp_error(state, "--no-auth excludes the options of the authentication header");
    if (o->no_origin && bubble_given(o, FIELD_ORIGIN))
        argp_error(state, "--origin and --no-origin exclude each other");
    if (o->rate != 0 && bubble_given(o, GIVEN_INTERVAL))
        argp_error(state, "--rate and --interval exclude each other");
    if (o->dry_run && o->write != NULL)
        argp_error(state, "--dry-run and --write exclude each other");
    if (o->wait != 0 && (o->dry_run || o->write != NULL))
        argp_error(state, "--wait goes with sending, not with %s",
                   o->dry_run ? "--dry-run" : "--write");
    if (o->spoof && o->from.address == 0 && o->from_file == NULL)
        argp_error(state, "--spoof needs a --from-address");
}
