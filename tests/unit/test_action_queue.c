/* The queue between an engine and its driver: first in, first out, bounded, and it tells what it
 * lost. */
#include "action_queue.h"

#include "tap.h"

static struct action_queue queue;

static void push_send(uint32_t tag)
{
    action_push(&queue, ACTION_SEND)->send.tag = tag;
}

static void test_order(void)
{
    struct action a;
    bool ordered = true;

    queue = (struct action_queue){0};
    ok(!action_pop(&queue, &a), "an empty queue gives nothing");
    for (uint32_t i = 0; i < 1000; i++) {
        push_send(2 * i);
        push_send(2 * i + 1);
        ordered = ordered && action_pop(&queue, &a) && a.send.tag == 2 * i;
        ordered = ordered && action_pop(&queue, &a) && a.send.tag == 2 * i + 1;
    }
    ok(ordered, "actions leave in the order in which they came, round and round");
    ok(!action_pop(&queue, &a), "and then the queue is empty");
    is_int(queue.lost, 0, "nothing was lost");
}

static void test_overflow(void)
{
    struct action a;

    queue = (struct action_queue){0};
    for (uint32_t i = 0; i < ACTION_QUEUE_SIZE + 3; i++)
        push_send(i);
    is_int(queue.lost, 3, "what a full queue overwrites is counted");
    for (uint32_t i = 0; i < ACTION_QUEUE_SIZE - 1; i++)
        if (!action_pop(&queue, &a) || a.send.tag != i)
            ok(false, "action %u survives", i);
    ok(action_pop(&queue, &a) && a.send.tag == ACTION_QUEUE_SIZE + 2,
       "the newest was overwritten, the oldest kept");
    ok(!action_pop(&queue, &a), "no more than the queue holds");
}

static void test_packet(void)
{
    struct endpoint to = {0xc0000201, 3544};
    struct in6_addr source = {{{0xfe, 0x80}}}, destination = {{{0x20, 0x01}}};
    struct teredo_packet bubble, out;
    struct wire_fault fault;
    struct send_request *send;
    struct action a;

    queue = (struct action_queue){0};
    teredo_make_bubble(&bubble, &source, &destination);
    send = action_push_packet(&queue, 77, to, &bubble);
    is_int(send->socket, 0, "a packet leaves from the service port unless told otherwise");
    send->socket = 1;
    send->ttl = 3;
    ok(action_pop(&queue, &a) && a.kind == ACTION_SEND, "a packet is a SEND action");
    ok(a.send.socket == 1 && a.send.ttl == 3 && a.send.tag == 77 && endpoint_equal(a.send.to, to),
       "with the socket, the TTL, the tag and the destination that were asked for");
    is_int(a.send.size, 40, "a bubble is 40 bytes");
    ok(teredo_decode(a.send.bytes, a.send.size, &out, &fault) && out.kind == TEREDO_BUBBLE &&
           ip6_equal(&out.ip6.source, &source),
       "and the bytes are the packet's");
}

static void test_event(void)
{
    struct action a;
    struct event *e;

    queue = (struct action_queue){0};
    memset(&queue.actions, 0xa5, sizeof queue.actions);
    e = action_push_event(&queue, EVENT_PUNCHING, 12345);
    is_int(e->punching.rtt, 0, "a new event holds nothing of an older action");
    e->punching.rtt = 9;
    ok(action_pop(&queue, &a) && a.kind == ACTION_EVENT && a.event.kind == EVENT_PUNCHING &&
           a.event.when == 12345 && a.event.punching.rtt == 9,
       "an event keeps its kind, its time and what the caller fills in");
}

int main(void)
{
    test_order();
    test_overflow();
    test_packet();
    test_event();
    return done_testing();
}
