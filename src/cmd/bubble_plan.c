#include "bubble_plan.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bubble_aim.h"
#include "entropy.h"

enum {
    PAYLOAD_OFFSET = 8 /* of what --payload gives, in an echo request and in a solicitation */
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
    if ((o->given & FIELD_PAYLOAD) != 0)
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
    plan->random_source = (o->given & FIELD_SOURCE) == 0;
    if (o->message == MESSAGE_ECHO) {
        make_message(plan, o, ICMP6_TYPE_ECHO_REQUEST);
        p->ip6.hop_limit = UDP_DEFAULT_TTL;
        plan->is_echo = true;
        plan->random_echo_data = (o->given & FIELD_PAYLOAD) == 0;
    } else if ((o->given & FIELD_PAYLOAD) != 0) {
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
        ((o->given & ~FIELDS_OUTSIDE) != 0 || o->has_peer || o->set.packet.trailer_count > 0 ||
         o->no_auth || o->no_origin || o->no_trailers))
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
    if ((o->given & FIELD_PAYLOAD) != 0) {
        p->payload = o->set.packet.payload;
        p->payload_size = o->set.packet.payload_size;
        plan->base.icmp6_checksum = false;
    }
    return 0;
}

static void set_outer(struct udp_options *udp, const struct bubble_options *o)
{
    const struct udp_options *set = &o->set.udp;

    if ((o->given & FIELD_TTL) != 0)
        udp->ttl = set->ttl;
    if ((o->given & FIELD_TOS) != 0)
        udp->tos = set->tos;
    if ((o->given & FIELD_DF) != 0)
        udp->dont_fragment = set->dont_fragment;
    if ((o->given & FIELD_IP_ID) != 0)
        udp->id = set->id;
    if ((o->given & FIELD_CHECKSUM) != 0)
        udp->checksum = set->checksum;
}

static void set_encapsulations(struct bubble_plan *plan, const struct bubble_options *o)
{
    struct teredo_packet *p = &plan->base.packet;
    const struct teredo_auth *set = &o->set.packet.auth;

    if ((o->given & FIELDS_OF_AUTH) != 0) {
        plan->random_auth_nonce = !p->has_auth || plan->random_auth_nonce;
        p->has_auth = true;
    }
    if ((o->given & FIELD_AUTH_ID) != 0) {
        p->auth.client_id = set->client_id;
        p->auth.client_id_size = set->client_id_size;
    }
    if ((o->given & FIELD_AUTH_VALUE) != 0) {
        p->auth.value = set->value;
        p->auth.value_size = set->value_size;
    }
    if ((o->given & FIELD_AUTH_NONCE) != 0) {
        memcpy(p->auth.nonce, set->nonce, sizeof p->auth.nonce);
        plan->random_auth_nonce = false;
    }
    if ((o->given & FIELD_CONFIRMATION) != 0)
        p->auth.confirmation = set->confirmation;
    if ((o->given & FIELD_ORIGIN) != 0) {
        p->has_origin = true;
        p->origin = o->set.packet.origin;
    }
}

static void set_ip6(struct craft *c, const struct bubble_options *o)
{
    struct ip6_header *ip6 = &c->packet.ip6;
    const struct ip6_header *set = &o->set.packet.ip6;

    if ((o->given & FIELD_SOURCE) != 0)
        ip6->source = set->source;
    if ((o->given & FIELD_DESTINATION) != 0)
        ip6->destination = set->destination;
    if ((o->given & FIELD_HOP_LIMIT) != 0)
        ip6->hop_limit = set->hop_limit;
    if ((o->given & FIELD_TRAFFIC_CLASS) != 0)
        ip6->traffic_class = set->traffic_class;
    if ((o->given & FIELD_FLOW_LABEL) != 0)
        ip6->flow_label = set->flow_label;
    if ((o->given & FIELD_NEXT_HEADER) != 0)
        ip6->next_header = set->next_header;
    if ((o->given & FIELD_PAYLOAD_LENGTH) != 0) {
        ip6->payload_length = set->payload_length;
        c->lies_about_length = true;
    }
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
    return (o->given & FIELD_IP_ID) != 0 ? "--ip-id"
                                         : "the IP id of the packet in the file (--ip-id=0: any)";
}

static int check_size(const struct bubble_plan *plan, struct error *error)
{
    uint8_t packet[CRAFT_MAX_SIZE];

    if (craft_encode(&plan->base, packet, sizeof packet) == 0)
        return error_set(error, EX_USAGE, 0, "the packet is larger than the 65535 bytes of IPv4");
    return 0;
}

int bubble_plan_make(struct bubble_plan *plan, const struct bubble_options *o, struct error *error)
{
    if (!entropy_fill(plan->nonces.key, sizeof plan->nonces.key, error))
        return -1;
    if (o->message != MESSAGE_FILE)
        make_message_or_bubble(plan, o);
    else if (read_packet(plan, o, error) != 0)
        return -1;
    set_outer(&plan->base.udp, o);
    set_encapsulations(plan, o);
    set_ip6(&plan->base, o);
    if (o->from.address != 0)
        plan->from.address = o->from.address;
    if (o->from.port != 0)
        plan->from.port = o->from.port;
    plan->raw_option = needs_raw(plan, o);
    nonce_take(&plan->nonces, &plan->echo_id, sizeof plan->echo_id);
    if (set_trailers(plan, o, error) != 0 || check_size(plan, error) != 0)
        return -1;
    return bubble_aim_make(plan, o, error);
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
