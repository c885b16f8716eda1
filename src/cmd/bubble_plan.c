#include "bubble_plan.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "entropy.h"
#include "names.h"

enum {
    PAYLOAD_OFFSET = 8, /* of what --payload gives, in an echo request and in a solicitation */
    UNASKED_RATE = 10,  /* packets a second */
};

/* An ICMPv6 message of 8 bytes and what --payload gives behind it. The checksum is left to craft.
 */
static void make_message(struct bubble_plan *plan, const struct bubble_options *o, uint8_t type)
{
    const struct teredo_packet *set = &o->set.packet;
    struct teredo_packet *p = &plan->base.packet;
    struct writer w = writer_of(plan->message, sizeof plan->message);

    writer_u8(&w, type);
    writer_zeros(&w, PAYLOAD_OFFSET - 1);
    if (bubble_given(o, FIELD_PAYLOAD))
        writer_bytes(&w, set->payload, set->payload_size);
    else if (type == ICMP6_TYPE_ECHO_REQUEST)
        writer_zeros(&w, BUBBLE_ECHO_DATA);
    p->payload = plan->message;
    p->payload_size = w.size;
    p->ip6.next_header = IP_PROTOCOL_ICMP6;
    plan->base.icmp6_checksum = true;
}

static void make_message_or_bubble(struct bubble_plan *plan, const struct bubble_options *o)
{
    struct teredo_packet *p = &plan->base.packet;

    if (o->message == MESSAGE_RS) {
        teredo_make_rs(p, &teredo_rs_source, plan->message);
        make_message(plan, o, ICMP6_TYPE_RS);
        p->has_auth = plan->random_auth_nonce = !o->no_auth;
        return;
    }
    teredo_make_bubble(p, &p->ip6.source, &o->peer);
    plan->random_source = !bubble_given(o, FIELD_SOURCE);
    if (o->message == MESSAGE_ECHO) {
        make_message(plan, o, ICMP6_TYPE_ECHO_REQUEST);
        p->ip6.hop_limit = UDP_DEFAULT_TTL;
        plan->is_echo = true;
        plan->random_echo_data = !bubble_given(o, FIELD_PAYLOAD);
    } else if (bubble_given(o, FIELD_PAYLOAD)) {
        p->payload = o->set.packet.payload;
        p->payload_size = o->set.packet.payload_size;
    }
}

static int read_packet(struct bubble_plan *plan, const struct bubble_options *o,
                       struct error *error)
{
    unsigned long number = o->packet != 0 ? o->packet : 1;
    size_t size = packet_file_read(o->from_file, number, plan->file, error);
    struct teredo_packet *p = &plan->base.packet;
    struct wire_fault fault;

    if (size == 0)
        return -1;
    if (!craft_decode(plan->file, size, &plan->base, &fault))
        return error_set(error, EX_DATAERR, 0, "packet %lu of %s: %s, at byte %zu", number,
                         o->from_file, wire_reason_text(fault.reason), fault.offset);
    if (plan->base.raw != NULL &&
        (bubble_given(o, FIELDS_ALL & ~FIELDS_OUTSIDE) || o->has_peer ||
         o->set.packet.trailer_count > 0 || o->no_auth || o->no_origin || o->no_trailers))
        return error_set(
            error, EX_DATAERR, 0,
            "packet %lu of %s is not a Teredo packet, so that only its outer headers can "
            "be changed: %s, at byte %zu",
            number, o->from_file, wire_reason_text(fault.reason), fault.offset);
    plan->from = plan->base.from;
    if (o->has_peer)
        p->ip6.destination = o->peer;
    if (o->no_auth)
        p->has_auth = false;
    if (o->no_origin)
        p->has_origin = false;
    if (o->no_trailers) {
        p->trailer_count = 0;
        plan->base.tail_size = 0;
    }
    if (bubble_given(o, FIELD_PAYLOAD)) {
        p->payload = o->set.packet.payload;
        p->payload_size = o->set.packet.payload_size;
        plan->base.icmp6_checksum = false;
    }
    return 0;
}

static void set_fields(struct bubble_plan *plan, const struct bubble_options *o)
{
    struct teredo_packet *p = &plan->base.packet;

    bubble_set_fields(o, &plan->base);
    if (bubble_given(o, FIELDS_OF_AUTH)) {
        plan->random_auth_nonce = !p->has_auth || plan->random_auth_nonce;
        p->has_auth = true;
    }
    if (bubble_given(o, FIELD_AUTH_NONCE))
        plan->random_auth_nonce = false;
    if (bubble_given(o, FIELD_ORIGIN))
        p->has_origin = true;
    if (bubble_given(o, FIELD_PAYLOAD_LENGTH))
        plan->base.lies_about_length = true;
    if (o->from.address != 0)
        plan->from.address = o->from.address;
    if (o->from.port != 0)
        plan->from.port = o->from.port;
}

/* A trailer that a file's packet has is replaced by one of its type; the others follow. */
static int set_trailers(struct bubble_plan *plan, const struct bubble_options *o,
                        struct error *error)
{
    struct teredo_packet *p = &plan->base.packet;
    unsigned old = p->trailer_count;
    unsigned replaced = 0; /* a bit each */

    for (unsigned i = 0; i < o->set.packet.trailer_count; i++) {
        const struct teredo_trailer *trailer = &o->set.packet.trailers[i];
        unsigned at = 0;

        while (at < old && (p->trailers[at].type != trailer->type || (replaced & 1U << at) != 0))
            at++;
        if (at == old)
            at = p->trailer_count;
        if (at == TEREDO_MAX_TRAILERS)
            return error_set(error, EX_USAGE, 0, "more than %d trailers", TEREDO_MAX_TRAILERS);
        replaced |= 1U << at;
        p->trailers[at] = *trailer;
        if ((o->random_trailers & 1U << i) != 0)
            plan->random_trailers |= 1U << at;
        if (at == p->trailer_count)
            p->trailer_count++;
    }
    return 0;
}

static const char *needs_raw(const struct bubble_plan *plan, const struct bubble_options *o)
{
    if (plan->base.udp.checksum == UDP_CHECKSUM_WRONG)
        return "--checksum=wrong";
    if (plan->base.udp.id == 0)
        return NULL;
    return bubble_given(o, FIELD_IP_ID) ? "--ip-id"
                                        : "the IP id of the packet in the file (--ip-id=0: any)";
}

static int check_size(const struct bubble_plan *plan, struct error *error)
{
    uint8_t packet[CRAFT_MAX_SIZE];

    if (craft_encode(&plan->base, packet, sizeof packet) == 0)
        return error_set(error, EX_USAGE, 0, "the packet is larger than the 65535 bytes of IPv4");
    return 0;
}

static void add_target(struct bubble_plan *plan, enum bubble_aim aim, struct endpoint to)
{
    plan->targets[plan->target_count++] = (struct bubble_target){aim, to};
}

static int find_targets(struct bubble_plan *plan, const struct bubble_options *o,
                        struct error *error)
{
    const char *name = o->to;
    struct names_answer to;

    if (o->direct)
        add_target(plan, BUBBLE_DIRECT, o->peer_parts.mapped);
    if (o->indirect)
        add_target(plan, BUBBLE_INDIRECT, (struct endpoint){o->peer_parts.server, TEREDO_PORT});
    if (plan->target_count > 0)
        return 0;
    if (name == NULL && o->message == MESSAGE_FILE) {
        add_target(plan, BUBBLE_GIVEN, plan->base.to);
        return 0;
    }
    if (name == NULL)
        name = getenv("TEREDO_SERVER");
    if (names_resolve(name, TEREDO_PORT, &to, error) != 0)
        return -1;
    add_target(plan, BUBBLE_GIVEN, to.list[0]);
    return 0;
}

static bool is_laboratory(uint32_t address)
{
    const char *block = ip4_special_block(address);

    return block != NULL && (strcmp(block, "loopback") == 0 ||
                             strcmp(block, "documentation") == 0 || strcmp(block, "shared") == 0);
}

/* Ten packets are soon sent, whatever the interval. */
static int check_rate(const struct bubble_plan *plan, const struct bubble_options *o,
                      struct error *error)
{
    char to[ENDPOINT_STRLEN];

    if (o->rate != 0 || o->count * plan->target_count <= UNASKED_RATE ||
        plan->target_count * NSEC_S <= UNASKED_RATE * plan->interval)
        return 0;
    for (unsigned i = 0; i < plan->target_count; i++) {
        if (is_laboratory(plan->targets[i].to.address))
            continue;
        error_set(error, EX_USAGE, 0, "more than %d packets a second to %s", UNASKED_RATE,
                  endpoint_format(plan->targets[i].to, to));
        return error_hint(error, "a longer --interval; or --rate N, if that many are meant");
    }
    return 0;
}

static int make_aim(struct bubble_plan *plan, const struct bubble_options *o, struct error *error)
{
    char to[ENDPOINT_STRLEN];

    if (find_targets(plan, o, error) != 0)
        return -1;
    for (unsigned i = 0; i < plan->target_count; i++)
        if (plan->targets[i].to.address == 0 || plan->targets[i].to.port == 0)
            return error_set(error, EX_USAGE, 0, "nothing can be sent to %s",
                             endpoint_format(plan->targets[i].to, to));
    plan->interval = o->interval;
    if (o->rate != 0)
        plan->interval = (nsec)plan->target_count * NSEC_S / (nsec)o->rate;
    return o->dry_run || o->write != NULL ? 0 : check_rate(plan, o, error);
}

int bubble_plan_make(struct bubble_plan *plan, const struct bubble_options *o, struct error *error)
{
    if (!entropy_fill(plan->nonces.key, sizeof plan->nonces.key, error))
        return -1;
    if (o->message != MESSAGE_FILE)
        make_message_or_bubble(plan, o);
    else if (read_packet(plan, o, error) != 0)
        return -1;
    set_fields(plan, o);
    plan->raw_option = needs_raw(plan, o);
    nonce_take(&plan->nonces, &plan->echo_id, sizeof plan->echo_id);
    if (set_trailers(plan, o, error) != 0 || check_size(plan, error) != 0)
        return -1;
    return make_aim(plan, o, error);
}

void bubble_plan_round(struct bubble_plan *plan, unsigned long round)
{
    struct teredo_packet *p = &plan->base.packet;
    struct writer w = writer_of(plan->message, sizeof plan->message);
    uint8_t data[BUBBLE_ECHO_DATA];

    if (plan->random_source)
        p->ip6.source = link_local_random(&plan->nonces);
    if (plan->random_auth_nonce)
        nonce_take(&plan->nonces, p->auth.nonce, sizeof p->auth.nonce);
    if (plan->random_trailers != 0)
        nonce_take(&plan->nonces, plan->trailer_nonce, sizeof plan->trailer_nonce);
    for (unsigned i = 0; i < p->trailer_count; i++)
        if ((plan->random_trailers & 1U << i) != 0)
            p->trailers[i].value = plan->trailer_nonce;
    if (!plan->is_echo)
        return;
    writer_u8(&w, ICMP6_TYPE_ECHO_REQUEST);
    writer_zeros(&w, 3);
    writer_u16(&w, plan->echo_id);
    writer_u16(&w, (uint16_t)(round + 1));
    if (!plan->random_echo_data)
        return;
    nonce_take(&plan->nonces, data, sizeof data);
    writer_bytes(&w, data, sizeof data);
}
