#include "internet.h"

#include <stdlib.h>
#include <string.h>

#include "datagram.h"
#include "delay_queue.h"
#include "nat_box.h"

struct internet {
    struct internet_config config;
    struct nat_box nat_boxes[LAB_NATS];
    struct link links[LAB_HOSTS][2]; /* by enum link_direction */
    struct delay_queue delay_queue;
    uint64_t last_packet;
};

/* A packet in the hands of a NAT or the core, and what there is to tell of it. */
struct handling {
    struct internet *net;
    struct packet *packet;
    struct datagram datagram;
    nsec now;
    struct packet_event packet_event;
    uint8_t before[LAB_MTU]; /* the datagram as it came, for the observer */
};

struct internet *internet_new(const struct internet_config *config)
{
    struct internet *net = calloc(1, sizeof *net);

    if (net == NULL)
        return NULL;
    net->config = *config;
    delay_queue_init(&net->delay_queue,
                     config->max_in_flight != 0 ? config->max_in_flight : INTERNET_MAX_IN_FLIGHT);
    for (unsigned i = 0; i < LAB_HOSTS; i++) {
        link_init(&net->links[i][LINK_OUT], &config->link[i], config->seed, (enum lab_host)i,
                  LINK_OUT);
        link_init(&net->links[i][LINK_IN], &config->link[i], config->seed, (enum lab_host)i,
                  LINK_IN);
    }
    for (unsigned i = 0; i < LAB_NATS; i++) {
        struct nat_config *nat = &net->config.nat[i];

        lab_place_nat((enum lab_host)i, nat);
        nat->seed = config->seed + i;
        if (nat_box_init(&net->nat_boxes[i], nat) < 0) {
            internet_free(net);
            return NULL;
        }
    }
    return net;
}

void internet_free(struct internet *net)
{
    if (net == NULL)
        return;
    delay_queue_clear(&net->delay_queue);
    for (unsigned i = 0; i < LAB_NATS; i++)
        nat_box_clear(&net->nat_boxes[i]);
    free(net);
}

static const struct nat_config *nat_of(const struct internet *net, enum lab_host host)
{
    return host < LAB_NATS ? &net->config.nat[host] : NULL;
}

nsec internet_deadline(const struct internet *net)
{
    return delay_queue_next(&net->delay_queue);
}

/* Begins to handle PACKET at PLACE; false if a header of it is broken. */
static bool handle(struct handling *h, struct internet *net, struct packet *packet, nsec now,
                   enum place place)
{
    bool sound;

    h->net = net;
    h->packet = packet;
    h->now = now;
    sound = datagram_parse(packet->data, packet->size, &h->datagram);
    if (sound)
        packet->size = h->datagram.size;
    memcpy(h->before, packet->data, packet->size);
    h->packet_event = (struct packet_event){
        .place = place,
        .host = packet->host,
        .inward = packet->inward,
        .packet = packet->id,
        .copy = packet->copy,
        .about = packet->about,
        .protocol = h->datagram.outer.ip.protocol,
        .from = h->datagram.outer.from,
        .to = h->datagram.outer.to,
        .before = h->before,
    };
    return sound;
}

static void tell(struct handling *h, enum packet_event_kind kind, enum packet_event_reason reason)
{
    struct packet_event *p = &h->packet_event;

    p->when = h->now;
    p->kind = kind;
    p->reason = reason;
    p->new_from = h->datagram.outer.from;
    p->new_to = h->datagram.outer.to;
    p->data = h->packet->data;
    p->size = h->packet->size;
    if (h->net->config.observe != NULL)
        h->net->config.observe(h->net->config.observe_context, p);
    /* The next event at the same place starts from what this event changed. */
    memcpy(h->before, h->packet->data, h->packet->size);
    p->from = p->new_from;
    p->to = p->new_to;
    p->nat = NULL;
}

/* Puts the packet on the link of its host, in its direction, at SENT. */
static void enter_link(struct handling *h, nsec sent)
{
    struct internet *net = h->net;
    struct packet *p = h->packet;
    nsec due, copy_due;
    struct link_fate fate =
        link_enter(&net->links[p->host][p->inward ? LINK_IN : LINK_OUT], sent, &due, &copy_due);

    if (fate.lost) {
        tell(h, PACKET_EVENT_LOST, PACKET_EVENT_NO_REASON);
        return;
    }
    if (!delay_queue_add(&net->delay_queue, due, p)) {
        tell(h, PACKET_EVENT_DISCARDED, PACKET_EVENT_TOO_MANY);
        return;
    }
    if (!fate.duplicated)
        return;
    p->copy = h->packet_event.copy |= p->inward ? PACKET_EVENT_COPY_IN : PACKET_EVENT_COPY_OUT;
    if (delay_queue_add(&net->delay_queue, copy_due, p))
        tell(h, PACKET_EVENT_DUPLICATED, PACKET_EVENT_NO_REASON);
    else
        tell(h, PACKET_EVENT_DISCARDED, PACKET_EVENT_TOO_MANY);
}

static void deliver(struct handling *h)
{
    struct internet *net = h->net;
    bool taken;

    h->packet_event.place = place_of_host(h->packet->host);
    taken = net->config.deliver(net->config.deliver_context, h->packet->host, h->packet->data,
                                h->packet->size);
    tell(h, taken ? PACKET_EVENT_DELIVERED : PACKET_EVENT_DISCARDED,
         taken ? PACKET_EVENT_NO_REASON : PACKET_EVENT_NOT_TAKEN);
}

/* The datagram dies here for REASON, and an ICMP error from SOURCE answers it: on the link of the
 * packet's host, INWARD or outward; from the core, to whoever has the address. */
static void die(struct handling *h, enum packet_event_reason reason, uint32_t source, bool inward)
{
    /* Code 0 of time exceeded: in transit. */
    struct icmp_error error = {
        .type = reason == PACKET_EVENT_TTL ? ICMP4_TIME_EXCEEDED : ICMP4_UNREACHABLE,
        .code = reason == PACKET_EVENT_NO_HOST ? ICMP4_HOST : 0,
        .reporter = source,
    };
    struct packet answer = {.about = h->packet->id, .host = h->packet->host, .inward = inward};
    enum place place = h->packet_event.place;
    struct handling a;

    tell(h, PACKET_EVENT_DISCARDED, reason);
    if (!datagram_may_be_answered(&h->datagram))
        return;
    if (place == PLACE_CORE && lab_route(h->net->config.nat, h->datagram.outer.from.address,
                                         &answer.host) != LAB_ROUTE_HOST)
        return;
    answer.size = datagram_make_error(&h->datagram, error, answer.data);
    answer.id = ++h->net->last_packet;
    handle(&a, h->net, &answer, h->now, place);
    tell(&a, PACKET_EVENT_SENT, PACKET_EVENT_NO_REASON);
    /* A NAT stands at its host: no link lies between them. */
    if (inward && place != PLACE_CORE)
        deliver(&a);
    else
        enter_link(&a, h->now);
}

/* Through the host's NAT or firewall, as RESULT says; false where the datagram ends there. */
static bool pass_nat(struct handling *h, enum nat_box_way way, struct nat_result *result)
{
    struct nat_box *box = &h->net->nat_boxes[h->packet->host];
    enum packet_event_reason reason = nat_box_pass(box, way, h->now, &h->datagram, result);

    h->packet_event.nat =
        reason == PACKET_EVENT_NO_REASON || reason == PACKET_EVENT_BY_NAT ? result : NULL;
    if (reason == PACKET_EVENT_NO_REASON)
        return true;
    tell(h, PACKET_EVENT_DISCARDED, reason);
    return false;
}

/* A datagram from outside, at the outer side of its host's NAT or firewall. */
static void at_nat_inbound(struct handling *h)
{
    struct internet *net = h->net;
    enum lab_host host = h->packet->host;
    struct nat_result result;

    if (!pass_nat(h, NAT_BOX_INBOUND, &result))
        return;
    /* Only a packet that gets past the filter is answered: the rest is discarded silently. */
    if (h->datagram.outer.ip.ttl <= 1) {
        memcpy(h->packet->data, h->before, h->packet->size);
        datagram_parse(h->packet->data, h->packet->size, &h->datagram);
        h->packet_event.nat = NULL;
        die(h, PACKET_EVENT_TTL,
            net->nat_boxes[host].kind == NAT_KIND_TRANSLATOR
                ? h->datagram.outer.to.address
                : lab_gateway_address(host, nat_of(net, host)),
            false);
        return;
    }
    datagram_decrement_ttl(&h->datagram);
    tell(h, PACKET_EVENT_NAT, PACKET_EVENT_NO_REASON);
    deliver(h);
}

/* A datagram from inside, at the inner side of its host's NAT or firewall. */
static void at_nat_outbound(struct handling *h, nsec sent)
{
    struct internet *net = h->net;
    enum lab_host host = h->packet->host, target;
    struct nat_result result;

    if (h->datagram.outer.ip.ttl <= 1) {
        die(h, PACKET_EVENT_TTL, lab_gateway_address(host, nat_of(net, host)), true);
        return;
    }
    if (!pass_nat(h, NAT_BOX_OUTBOUND, &result))
        return;
    datagram_decrement_ttl(&h->datagram);
    if (result.verdict == NAT_HAIRPIN) {
        h->packet->inward = h->packet_event.inward = true;
        tell(h, PACKET_EVENT_NAT, PACKET_EVENT_NO_REASON);
        deliver(h);
        return;
    }
    tell(h, PACKET_EVENT_NAT, PACKET_EVENT_NO_REASON);
    /* An ICMP error about a hairpinned packet goes to the NAT itself. */
    if (lab_route(net->config.nat, h->datagram.outer.to.address, &target) == LAB_ROUTE_HOST &&
        target == host) {
        h->packet->inward = h->packet_event.inward = true;
        at_nat_inbound(h);
        return;
    }
    enter_link(h, sent);
}

static void at_core(struct handling *h, nsec due)
{
    struct internet *net = h->net;
    uint32_t to = h->datagram.outer.to.address;

    if (h->datagram.outer.ip.ttl <= 1) {
        die(h, PACKET_EVENT_TTL, LAB_CORE_ADDRESS, true);
        return;
    }
    switch (lab_route(net->config.nat, to, &h->packet->host)) {
    case LAB_ROUTE_NO_HOST:
        die(h, PACKET_EVENT_NO_HOST, LAB_CORE_ADDRESS, true);
        return;
    case LAB_ROUTE_NO_NET:
        die(h, PACKET_EVENT_NO_NET, LAB_CORE_ADDRESS, true);
        return;
    case LAB_ROUTE_HOST:
        break;
    }
    datagram_decrement_ttl(&h->datagram);
    h->packet->inward = h->packet_event.inward = true;
    h->packet_event.host = h->packet->host;
    tell(h, PACKET_EVENT_FORWARDED, PACKET_EVENT_NO_REASON);
    enter_link(h, due);
}

void internet_send(struct internet *net, const struct lab_frame *frame, nsec now)
{
    enum lab_host host = frame->host;
    struct packet packet = {.id = ++net->last_packet, .host = host, .size = frame->size};
    struct handling h;
    bool sound;

    if (packet.size > sizeof packet.data)
        packet.size = sizeof packet.data;
    memcpy(packet.data, frame->data, packet.size);
    sound = handle(&h, net, &packet, frame->sent, place_of_host(host));
    tell(&h, PACKET_EVENT_SENT, PACKET_EVENT_NO_REASON);
    h.now = now;
    if (!sound) {
        tell(&h, PACKET_EVENT_DISCARDED, PACKET_EVENT_MALFORMED);
        return;
    }
    if (h.datagram.outer.ip.protocol != IP_PROTOCOL_UDP &&
        h.datagram.outer.ip.protocol != IP_PROTOCOL_ICMP) {
        tell(&h, PACKET_EVENT_DISCARDED, PACKET_EVENT_PROTOCOL);
        return;
    }
    if (host < LAB_NATS && net->nat_boxes[host].kind != NAT_KIND_NONE) {
        h.packet_event.place = place_of_nat(host);
        at_nat_outbound(&h, frame->sent);
        return;
    }
    enter_link(&h, frame->sent);
}

void internet_send_foreign(struct internet *net, enum lab_host host, nsec now)
{
    struct packet packet = {.id = ++net->last_packet, .host = host};
    struct handling h;

    handle(&h, net, &packet, now, place_of_host(host));
    tell(&h, PACKET_EVENT_SENT, PACKET_EVENT_NO_REASON);
    tell(&h, PACKET_EVENT_DISCARDED, PACKET_EVENT_NOT_IPV4);
}

/* A packet comes out of a link. */
static void arrive(struct internet *net, struct packet *packet, nsec now)
{
    struct handling h;
    enum lab_host host = packet->host;

    if (!packet->inward) {
        if (handle(&h, net, packet, now, PLACE_CORE))
            at_core(&h, packet->due.when);
    } else if (host < LAB_NATS && net->nat_boxes[host].kind != NAT_KIND_NONE) {
        if (handle(&h, net, packet, now, place_of_nat(host)))
            at_nat_inbound(&h);
    } else if (handle(&h, net, packet, now, place_of_host(host))) {
        deliver(&h);
    }
}

void internet_advance(struct internet *net, nsec now)
{
    struct packet *packet;

    while ((packet = delay_queue_take(&net->delay_queue, now)) != NULL) {
        arrive(net, packet, now);
        free(packet);
    }
}
