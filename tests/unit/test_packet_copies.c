/* src/engine/packet_copies.c: what is a copy, and what is a packet of its own. */
#include "packet_copies.h"
#include "prng.h"
#include "tap.h"
#include "teredo_flows.h"

static struct packet_copies *copies;
static nsec now = 1000 * NSEC_S;

/* A packet with an IPv6 header and a payload of 200 bytes. */
static struct captured_packet packet_of(uint8_t payload[static 240], uint16_t id, uint8_t next)
{
    struct captured_packet s = {.size = 240};

    memset(payload, 0, 240);
    payload[0] = 0x60;
    payload[5] = 200;
    payload[6] = next;
    s.udp = (struct udp_datagram){
        .ip = {.id = id, .ttl = 64},
        .from = {1, 2},
        .to = {3, 4},
        .length = 248,
        .payload = payload,
        .payload_size = 240,
    };
    teredo_flows_move(&s, payload);
    s.extent = TEREDO_WHOLE;
    return s;
}

static void test_what_differs(void)
{
    uint8_t payload[240];
    struct captured_packet s = packet_of(payload, 77, 17), other;

    ok(!packet_copies_add(copies, &s, now), "a packet is no copy");
    ok(packet_copies_add(copies, &s, now) && packet_copies_add(copies, &s, now + 20 * NSEC_MS),
       "the same a moment later is");
    ok(!packet_copies_add(copies, &s, now + NSEC_S), "a second later it was sent again");
    now += NSEC_S;
    other = s;
    other.udp.checksum = 5;
    ok(packet_copies_add(copies, &other, now), "the checksum may be unfilled in one of them");
    other = s;
    other.udp.ip.id = 78;
    ok(!packet_copies_add(copies, &other, now), "another identification is another packet");
    other = s;
    other.udp.ip.ttl = 63;
    ok(!packet_copies_add(copies, &other, now), "so is another time to live");
    other = s;
    other.udp.from.port = 9;
    ok(!packet_copies_add(copies, &other, now), "another port");
    payload[100] = 1;
    ok(!packet_copies_add(copies, &s, now), "and another byte");
}

static void test_many(void)
{
    uint8_t payload[240];
    unsigned found = 0;

    now += NSEC_S;
    for (int round = 0; round < 2; round++)
        for (uint16_t id = 0; id < 100; id++) {
            struct captured_packet s = packet_of(payload, id, 17);

            found += packet_copies_add(copies, &s, now);
        }
    ok(found > 85, "of a hundred packets nearly all are still known when they come again: %u",
       found);
}

static void test_without_identification(void)
{
    uint8_t payload[240];
    struct captured_packet s = packet_of(payload, 0, 59);

    ok(!packet_copies_add(copies, &s, now) && packet_copies_add(copies, &s, now),
       "packets without an identification have copies, too");
    s = packet_of(payload, 0, 6);
    ok(!packet_copies_add(copies, &s, now) && !packet_copies_add(copies, &s, now),
       "but for TCP, which may send an equal segment twice");
    s = packet_of(payload, 1, 6);
    ok(!packet_copies_add(copies, &s, now) && packet_copies_add(copies, &s, now),
       "which an identification tells apart");
}

static void test_all_different(void)
{
    struct prng prng = {5};
    uint8_t payload[240];
    struct captured_packet s = packet_of(payload, 9, 17);
    unsigned wrong = 0, found = 0;

    for (unsigned i = 0; i < 100000; i++) {
        uint64_t random = prng_next(&prng);

        memcpy(payload + 60, &random, sizeof random);
        wrong += packet_copies_add(copies, &s, now);
        found += packet_copies_add(copies, &s, now);
    }
    is_int(wrong, 0, "of 100,000 packets none passes for the copy of another");
    is_int(found, 100000, "and each copy is found");
}

int main(void)
{
    copies = packet_copies_new(1);
    test_what_differs();
    test_many();
    test_without_identification();
    test_all_different();
    packet_copies_free(copies);
    return done_testing();
}
