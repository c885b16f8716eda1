/* src/lab/internet.c in virtual time: what becomes of packets between the four hosts. */
#include "internet.h"

#include <stdlib.h>

#include "bytes.h"
#include "datagram.h"
#include "tap.h"
#include "udp.h"

#define T0 (1700000000 * NSEC_S)
#define DELAY (10 * NSEC_MS)

enum {
    MAX_RECORDS = 64
};

/* What the last run delivered, and the packet events that it told of. */
static struct delivery {
    nsec when;
    size_t size;
    enum lab_host host;
    uint8_t data[LAB_MTU];
} deliveries[MAX_RECORDS];
static struct packet_event packet_events[MAX_RECORDS];
static struct nat_result nat_results[MAX_RECORDS];
static unsigned delivery_count, packet_event_count;
static nsec now;
static bool takes_packets = true;

static const struct endpoint a_inside = {0x64400102, 5000}, a_outside = {0xcb00710a, 5000},
                             b_inside = {0x64400202, 6000}, b_outside = {0xc6336414, 6000},
                             server1 = {0xc0000201, 3544}, server2 = {0xc0000281, 3544};

static bool deliver(void *context, enum lab_host host, const uint8_t *data, size_t size)
{
    struct delivery *d = &deliveries[delivery_count % MAX_RECORDS];

    (void)context;
    if (!takes_packets)
        return false;
    d->host = host;
    d->when = now;
    d->size = size;
    memcpy(d->data, data, size);
    delivery_count++;
    return true;
}

static void observe(void *context, const struct packet_event *packet_event)
{
    unsigned i = packet_event_count++ % MAX_RECORDS;

    (void)context;
    packet_events[i] = *packet_event;
    if (packet_event->nat != NULL) {
        nat_results[i] = *packet_event->nat;
        packet_events[i].nat = &nat_results[i];
    }
}

static struct internet_config config_of(const char *nat_a, const char *nat_b)
{
    struct internet_config c = {.seed = 1, .deliver = deliver, .observe = observe};
    struct error error;

    if (nat_config_parse(nat_a, &c.nat[LAB_A], &error) < 0 ||
        nat_config_parse(nat_b, &c.nat[LAB_B], &error) < 0) {
        printf("Bail out! %s\n", error.what);
        exit(1);
    }
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        c.link[i].delay = DELAY;
    return c;
}

static struct internet *internet_of(const char *nat_a, const char *nat_b)
{
    struct internet_config c = config_of(nat_a, nat_b);

    now = T0;
    return internet_new(&c);
}

/* Lets everything happen that is under way, and forgets what happened before. */
static void run(struct internet *net)
{
    while (internet_deadline(net) != NSEC_NEVER) {
        now = internet_deadline(net);
        internet_advance(net, now);
    }
}

static void forget(void)
{
    delivery_count = packet_event_count = 0;
}

static void send_bytes(struct internet *net, enum lab_host host, const uint8_t *data, size_t size)
{
    forget();
    internet_send(net, &(struct lab_frame){host, now, data, size}, now);
    run(net);
}

static void send_udp(struct internet *net, enum lab_host host, struct endpoint from,
                     struct endpoint to, uint8_t ttl)
{
    uint8_t data[LAB_MTU];
    struct udp_options options = {.ttl = ttl};

    send_bytes(net, host, data,
               udp4_encode(data, sizeof data, &(struct udp_message){from, to, "hi", 2}, &options));
}

/* True if just one UDP datagram was delivered, to HOST, sound, with these endpoints. */
static bool delivered(enum lab_host host, struct endpoint from, struct endpoint to)
{
    struct udp_datagram d;
    struct wire_fault fault;

    return delivery_count == 1 && deliveries[0].host == host &&
           udp4_decode(deliveries[0].data, deliveries[0].size, false, &d, &fault) &&
           endpoint_equal(d.from, from) && endpoint_equal(d.to, to);
}

/* True if just one ICMP error was delivered, to HOST, of TYPE and CODE, from SOURCE, sound, about
 * the datagram FROM -> TO. */
static bool error_delivered(enum lab_host host, uint8_t type, uint8_t code, uint32_t source,
                            struct endpoint from, struct endpoint to)
{
    struct delivery *r = &deliveries[0];
    struct datagram d = {0};

    return delivery_count == 1 && r->host == host && datagram_parse(r->data, r->size, &d) &&
           d.outer.kind == DATAGRAM_ERROR && r->data[20] == type && r->data[21] == code &&
           checksum_finish(checksum_add(0, r->data + 20, r->size - 20)) == 0 &&
           d.outer.from.address == source && d.outer.to.address == from.address &&
           endpoint_equal(d.inner.from, from) && endpoint_equal(d.inner.to, to);
}

static const struct packet_event *last_packet_event(void)
{
    return &packet_events[(packet_event_count - 1) % MAX_RECORDS];
}

static bool ended_in(enum packet_event_kind kind, enum packet_event_reason reason, enum place place)
{
    const struct packet_event *p = last_packet_event();

    return packet_event_count > 0 && delivery_count == 0 && p->kind == kind &&
           p->reason == reason && p->place == place;
}

static void test_way(void)
{
    struct internet *net = internet_of("port-restricted", "none");
    static const struct step {
        enum packet_event_kind kind;
        enum place place;
        nsec after;
    } way[] = {{PACKET_EVENT_SENT, PLACE_HOST_A, 0},
               {PACKET_EVENT_NAT, PLACE_NAT_A, 0},
               {PACKET_EVENT_FORWARDED, PLACE_CORE, DELAY},
               {PACKET_EVENT_DELIVERED, PLACE_SERVER_1, 2 * DELAY}};
    unsigned right = 0;

    is_int(internet_deadline(net), NSEC_NEVER, "nothing is due while nothing is sent");
    send_udp(net, LAB_A, a_inside, server1, 64);
    ok(delivered(LAB_S1, a_outside, server1),
       "a datagram from behind a NAT reaches the server from the NAT's address");
    is_int(deliveries[0].when - T0, 2 * DELAY, "after the delays of two links");
    is_int(deliveries[0].data[8], 62, "the NAT and the core have taken one each off its TTL");
    is_int(packet_event_count, 4, "each packet event is told");
    for (unsigned i = 0; i < 4; i++)
        right += packet_events[i].kind == way[i].kind && packet_events[i].place == way[i].place &&
                 packet_events[i].when == T0 + way[i].after && packet_events[i].packet == 1;
    is_int(right, 4, "in order, with their times and one packet number");
    ok(endpoint_equal(packet_events[1].from, a_inside) &&
           endpoint_equal(packet_events[1].new_from, a_outside) &&
           (packet_events[1].nat->happened & NAT_MAPPING_CREATED),
       "the NAT's packet event tells both endpoints and what the NAT did");
    is_int(load_u32(packet_events[1].before + 12) == 0, 0, "and has the datagram's bytes");

    send_udp(net, LAB_S1, server1, a_outside, 64);
    ok(delivered(LAB_A, server1, a_inside), "the answer comes in through the NAT");
    ok(packet_events[2].kind == PACKET_EVENT_NAT && packet_events[2].inward &&
           packet_events[2].packet == 2,
       "and is another packet");
    send_udp(net, LAB_S2, server2, a_outside, 64);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_BY_NAT, PLACE_NAT_A) &&
           last_packet_event()->nat->reason == NAT_FILTERED_ADDRESS_PORT && packet_event_count == 3,
       "what the NAT filters is discarded silently");
    send_udp(net, LAB_B, b_outside, server1, 64);
    ok(delivered(LAB_S1, b_outside, server1), "a host without NAT has the public address itself");
    internet_free(net);
    internet_free(NULL);
}

static void test_punch(void)
{
    struct internet *net = internet_of("port-restricted", "port-restricted");
    uint8_t error[576];
    struct datagram d = {0};
    size_t size;

    send_udp(net, LAB_A, a_inside, b_outside, 64);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_BY_NAT, PLACE_NAT_B),
       "the first direct bubble dies at the peer's NAT");
    send_udp(net, LAB_B, b_inside, a_outside, 64);
    ok(delivered(LAB_A, b_outside, a_inside), "it has opened the way for the peer's");
    send_udp(net, LAB_A, a_inside, b_outside, 64);
    ok(delivered(LAB_B, a_outside, b_inside), "and then both ways are open");
    internet_free(net);

    net = internet_of("firewall", "blocked");
    send_udp(net, LAB_S1, server1, a_outside, 64);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_BY_NAT, PLACE_NAT_A),
       "a firewall keeps strangers out");
    send_udp(net, LAB_A, a_outside, server1, 64);
    ok(delivered(LAB_S1, a_outside, server1), "a host behind a firewall has the public address");
    send_udp(net, LAB_B, b_inside, server1, 64);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_BY_NAT, PLACE_NAT_B) &&
           last_packet_event()->nat->reason == NAT_UDP_BLOCKED,
       "a network that blocks UDP passes none");
    internet_free(net);

    net = internet_of("cone,hairpin=yes,pool=2,pooling=arbitrary", "none");
    send_udp(net, LAB_A, a_inside, server1, 64);
    send_udp(net, LAB_A, (struct endpoint){a_inside.address, 5001}, a_outside, 64);
    ok(delivered(LAB_A, (struct endpoint){a_outside.address + 1, 5001}, a_inside),
       "hairpinned packets come back, from the second address of the pool here");
    is_int(deliveries[0].when, packet_events[0].when, "without crossing a link");
    internet_free(net);

    net = internet_of("cone,hairpin=yes", "none");
    send_udp(net, LAB_A, a_inside, server1, 64);
    send_udp(net, LAB_A, (struct endpoint){a_inside.address, 5001}, a_outside, 64);
    datagram_parse(deliveries[0].data, deliveries[0].size, &d);
    size = datagram_make_error(
        &d, (struct icmp_error){ICMP4_UNREACHABLE, ICMP4_HOST, a_inside.address}, error);
    send_bytes(net, LAB_A, error, size);
    ok(error_delivered(LAB_A, 3, 1, a_outside.address, (struct endpoint){a_inside.address, 5001},
                       a_outside),
       "an ICMP error about a hairpinned packet comes back to its sender");
    is_int(deliveries[0].when, packet_events[0].when, "without crossing a link either");
    internet_free(net);
}

static void test_pool_and_seed(void)
{
    const struct endpoint second = {a_outside.address + 1, 9};
    struct internet_config c = config_of("symmetric", "none");
    struct internet *net = internet_of("cone", "none");
    uint16_t ports[3];

    send_udp(net, LAB_B, b_outside, second, 64);
    ok(error_delivered(LAB_B, 3, 1, 0xc00002fe, b_outside, second),
       "nobody has the second address of a NAT that uses one");
    internet_free(net);
    net = internet_of("cone,pool=2", "none");
    send_udp(net, LAB_B, b_outside, second, 64);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_BY_NAT, PLACE_NAT_A),
       "a NAT has every address of its pool");
    internet_free(net);

    for (unsigned i = 0; i < 3; i++) {
        c.seed = i == 0 ? 1 : 2;
        net = internet_new(&c);
        send_udp(net, LAB_A, a_inside, server1, 64);
        ports[i] = packet_events[1].new_from.port;
        internet_free(net);
    }
    ok(ports[1] == ports[2] && ports[0] != ports[1], "the seed decides a NAT's random ports");
}

static void test_ttl(void)
{
    struct internet *net = internet_of("port-restricted", "port-restricted");

    send_udp(net, LAB_A, a_inside, b_outside, 1);
    ok(error_delivered(LAB_A, 11, 0, 0x64400101, a_inside, b_outside),
       "TTL 1: the own NAT answers from its inner address");
    ok(packet_events[2].about == packet_events[0].packet &&
           packet_events[2].packet != packet_events[0].packet,
       "an ICMP error tells which packet it is about");
    send_udp(net, LAB_A, a_inside, b_outside, 2);
    ok(error_delivered(LAB_A, 11, 0, 0xc00002fe, a_inside, b_outside),
       "TTL 2: the core answers, and the NAT translates the answer back");
    send_udp(net, LAB_A, a_inside, b_outside, 3);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_BY_NAT, PLACE_NAT_B),
       "TTL 3: the peer's NAT filters before it looks at the TTL, and stays silent");
    send_udp(net, LAB_B, b_inside, a_outside, 64);
    send_udp(net, LAB_A, a_inside, b_outside, 3);
    ok(error_delivered(LAB_A, 11, 0, b_outside.address, a_inside, b_outside),
       "TTL 3, once punched: the peer's NAT answers from its outer address");
    send_udp(net, LAB_A, a_inside, b_outside, 4);
    ok(delivered(LAB_B, a_outside, b_inside), "TTL 4 gets there");
    internet_free(net);

    net = internet_of("firewall", "none");
    send_udp(net, LAB_A, a_outside, server1, 64);
    send_udp(net, LAB_S1, server1, a_outside, 2);
    ok(error_delivered(LAB_S1, 11, 0, 0xcb007101, server1, a_outside),
       "a firewall is a hop, with an address of its own");
    internet_free(net);
}

static void test_unreachable(void)
{
    struct internet *net = internet_of("symmetric", "none");
    struct endpoint nobody = {0xc0000263, 9}, nowhere = {0x08080808, 9}, inside = {0x64400202, 9},
                    mapped;
    uint8_t error[576];
    struct datagram d = {0};
    size_t size;

    send_udp(net, LAB_A, a_inside, nobody, 64);
    ok(error_delivered(LAB_A, 3, 1, 0xc00002fe, a_inside, nobody),
       "ICMP host unreachable for an address that nobody has");
    send_udp(net, LAB_A, a_inside, nowhere, 64);
    ok(error_delivered(LAB_A, 3, 0, 0xc00002fe, a_inside, nowhere),
       "ICMP network unreachable for a network that is not there");
    send_udp(net, LAB_A, a_inside, inside, 64);
    ok(error_delivered(LAB_A, 3, 0, 0xc00002fe, a_inside, inside),
       "nobody outside knows the way to an inner address");
    send_udp(net, LAB_B, (struct endpoint){0x01020304, 5}, nobody, 64);
    is_int(delivery_count, 0, "no ICMP error goes to a source that nobody has");

    send_udp(net, LAB_A, a_inside, server1, 64);
    datagram_parse(deliveries[0].data, deliveries[0].size, &d);
    size = datagram_make_error(
        &d, (struct icmp_error){ICMP4_UNREACHABLE, ICMP4_HOST, server1.address}, error);
    send_bytes(net, LAB_S1, error, size);
    ok(error_delivered(LAB_A, 3, 1, server1.address, a_inside, server1),
       "a server's ICMP error comes in through the NAT, with the datagram that it is about");

    send_udp(net, LAB_A, a_inside, server1, 64);
    send_udp(net, LAB_S1, server1, packet_events[1].new_from, 64);
    datagram_parse(deliveries[0].data, deliveries[0].size, &d);
    size = datagram_make_error(
        &d, (struct icmp_error){ICMP4_UNREACHABLE, ICMP4_HOST, a_inside.address}, error);
    send_udp(net, LAB_A, a_inside, server1, 64);
    mapped = packet_events[1].new_from;
    send_bytes(net, LAB_A, error, size);
    ok(error_delivered(LAB_S1, 3, 1, a_outside.address, server1, mapped),
       "an ICMP error from behind a NAT goes out under the NAT's address");
    datagram_parse(error, size, &d);
    datagram_set_inner(&d, DATAGRAM_DESTINATION, (struct endpoint){a_inside.address, 1});
    send_bytes(net, LAB_A, error, size);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_BY_NAT, PLACE_NAT_A),
       "an ICMP error about something that never came is discarded");
    internet_free(net);
}

/* Builds an ICMP echo, request (8) or reply (0). */
static size_t make_echo(uint8_t type, uint32_t from, uint32_t to, uint16_t query,
                        uint8_t out[static 28])
{
    struct ip4_header ip = {
        .ttl = 64, .protocol = IP_PROTOCOL_ICMP, .source = from, .destination = to};
    struct writer w = writer_of(out, 28);

    ip4_encode(&w, &ip, 8);
    writer_u8(&w, type);
    writer_zeros(&w, 3);
    writer_u16(&w, query);
    writer_zeros(&w, 2);
    writer_patch_u16(&w, 22, checksum_finish(checksum_add(0, out + 20, 8)));
    return w.size;
}

/* True if just one ICMP echo was delivered, to HOST, sound, FROM -> TO, with the identifier. */
static bool echo_delivered(enum lab_host host, uint32_t from, uint32_t to, uint16_t query)
{
    struct delivery *r = &deliveries[0];
    struct datagram d;

    return delivery_count == 1 && r->host == host && datagram_parse(r->data, r->size, &d) &&
           d.outer.kind == DATAGRAM_ECHO && d.outer.from.address == from &&
           d.outer.to.address == to && d.outer.query == query &&
           checksum_finish(checksum_add(0, r->data + 20, r->size - 20)) == 0;
}

static void test_echo(void)
{
    struct internet *net = internet_of("port-restricted", "blocked");
    uint8_t data[28], error[576];
    struct datagram d = {0};
    size_t size;

    send_bytes(net, LAB_A, data, make_echo(8, a_inside.address, server1.address, 321, data));
    ok(echo_delivered(LAB_S1, a_outside.address, server1.address, 321),
       "a ping goes out through the NAT");
    send_bytes(net, LAB_S1, data, make_echo(0, server1.address, a_outside.address, 321, data));
    ok(echo_delivered(LAB_A, server1.address, a_inside.address, 321), "its answer comes back");
    datagram_parse(deliveries[0].data, deliveries[0].size, &d);
    size = datagram_make_error(
        &d, (struct icmp_error){ICMP4_UNREACHABLE, ICMP4_HOST, a_inside.address}, error);
    send_bytes(net, LAB_A, error, size);
    ok(delivery_count == 1 && datagram_parse(deliveries[0].data, deliveries[0].size, &d) &&
           d.inner.kind == DATAGRAM_ECHO && d.inner.to.address == a_outside.address,
       "an ICMP error about the answer goes out translated");
    send_bytes(net, LAB_S1, data, make_echo(8, server1.address, a_outside.address, 5, data));
    is_int(delivery_count, 0, "a ping from outside does not come in");
    send_bytes(net, LAB_A, data, make_echo(8, a_inside.address, 0xc0000263, 322, data));
    ok(delivery_count == 1 && datagram_parse(deliveries[0].data, deliveries[0].size, &d) &&
           d.inner.kind == DATAGRAM_ECHO && d.inner.from.address == a_inside.address &&
           d.inner.query == 322,
       "an ICMP error about a ping comes in translated");
    send_bytes(net, LAB_B, data, make_echo(8, b_inside.address, server1.address, 1, data));
    ok(echo_delivered(LAB_S1, b_outside.address, server1.address, 1),
       "a network that blocks UDP passes pings");
    internet_free(net);
}

static void test_refused(void)
{
    struct internet *net = internet_of("cone", "none");
    uint8_t data[LAB_MTU] = {0};
    struct writer w = writer_of(data, sizeof data);
    struct ip4_header ip = {.ttl = 64,
                            .protocol = IP_PROTOCOL_UDP,
                            .fragment_offset = 100,
                            .source = a_inside.address,
                            .destination = server1.address};

    ip4_encode(&w, &ip, 100);
    send_bytes(net, LAB_A, data, 120);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_FRAGMENT, PLACE_NAT_A),
       "a fragment does not pass a NAT");
    w = writer_of(data, sizeof data);
    ip.source = b_outside.address;
    ip4_encode(&w, &ip, 100);
    send_bytes(net, LAB_B, data, 120);
    is_int(delivery_count, 1, "a fragment passes where no NAT is in the way");
    data[11] ^= 1;
    send_bytes(net, LAB_B, data, 120);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_MALFORMED, PLACE_HOST_B),
       "a wrong header checksum is not carried");
    w = writer_of(data, sizeof data);
    ip.protocol = 6;
    ip4_encode(&w, &ip, 100);
    send_bytes(net, LAB_B, data, 120);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_PROTOCOL, PLACE_HOST_B), "TCP is not carried");
    forget();
    internet_send_foreign(net, LAB_S1, now);
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_NOT_IPV4, PLACE_SERVER_1),
       "what is not IPv4 is not carried, and told");
    takes_packets = false;
    send_udp(net, LAB_B, b_outside, server1, 64);
    takes_packets = true;
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_NOT_TAKEN, PLACE_SERVER_1),
       "what a host cannot take is told");
    internet_free(net);
}

static void test_links(void)
{
    struct internet_config c = config_of("none", "none");
    struct internet *net;
    unsigned copies = 0;
    uint8_t data[LAB_MTU];
    size_t size;

    now = T0;
    c.link[LAB_A].loss = 1;
    c.link[LAB_B].duplicate = 1;
    c.link[LAB_B].jitter = 9 * NSEC_MS;
    net = internet_new(&c);
    send_udp(net, LAB_A, a_outside, server1, 64);
    ok(ended_in(PACKET_EVENT_LOST, PACKET_EVENT_NO_REASON, PLACE_HOST_A) &&
           !last_packet_event()->inward,
       "a packet is lost on its way out");
    send_udp(net, LAB_S1, server1, a_outside, 64);
    ok(ended_in(PACKET_EVENT_LOST, PACKET_EVENT_NO_REASON, PLACE_CORE) &&
           last_packet_event()->host == LAB_A,
       "a packet is lost on its way in");
    send_udp(net, LAB_B, b_outside, server1, 64);
    is_int(delivery_count, 2, "a duplicated packet arrives twice");
    for (unsigned i = 0; i < packet_event_count; i++)
        copies += packet_events[i].kind == PACKET_EVENT_DELIVERED && packet_events[i].packet == 3
                      ? 1 + 10 * packet_events[i].copy
                      : 0;
    is_int(copies, 2 + 10 * PACKET_EVENT_COPY_OUT,
           "with one packet number, and the copy is marked");
    ok(deliveries[0].when != deliveries[1].when, "the copy has a delay of its own");
    internet_free(net);

    c.link[LAB_S1].duplicate = 1;
    net = internet_new(&c);
    send_udp(net, LAB_B, b_outside, server1, 64);
    for (unsigned i = copies = 0; i < packet_event_count; i++)
        if (packet_events[i].kind == PACKET_EVENT_DELIVERED)
            copies |= 1U << packet_events[i].copy;
    ok(delivery_count == 4 && copies == 0xf,
       "a packet that two links duplicate arrives four times, each told apart");
    internet_free(net);

    net = internet_of("none", "none");
    forget();
    size = udp4_encode(data, sizeof data, &(struct udp_message){a_outside, server1, "hi", 2}, NULL);
    internet_send(net, &(struct lab_frame){LAB_A, now, data, size}, now);
    internet_advance(net, now + DELAY + 3 * NSEC_MS);
    is_int(internet_deadline(net) - now, 2 * DELAY,
           "what the core handles late arrives no later for that");
    internet_free(net);

    c = config_of("none", "none");
    c.max_in_flight = 1;
    net = internet_new(&c);
    forget();
    for (unsigned i = 0; i < 2; i++) {
        size = udp4_encode(data, sizeof data, &(struct udp_message){a_outside, server1, "hi", 2},
                           NULL);
        internet_send(net, &(struct lab_frame){LAB_A, now, data, size}, now);
    }
    ok(ended_in(PACKET_EVENT_DISCARDED, PACKET_EVENT_TOO_MANY, PLACE_HOST_A),
       "more packets than the lab carries are discarded, and told");
    is_int(internet_deadline(net) - now, DELAY, "the first is due after its delay");
    internet_free(net);
}

int main(void)
{
    test_way();
    test_punch();
    test_pool_and_seed();
    test_ttl();
    test_unreachable();
    test_echo();
    test_refused();
    test_links();
    return done_testing();
}
