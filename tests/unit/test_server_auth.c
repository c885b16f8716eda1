#include "server_fixture.h"

/* A solicitation of client ID, signed with SECRET (NULL = no value). */
static struct teredo_packet make_secure_rs(const char *id, const char *secret,
                                           uint8_t value[static TEREDO_HMAC_SIZE])
{
    struct in6_addr source = link_local(0);
    struct teredo_packet p = make_rs(&source);

    p.has_auth = true;
    p.auth = (struct teredo_auth){.client_id = (const uint8_t *)id,
                                  .client_id_size = (uint8_t)strlen(id),
                                  .nonce = {9, 8, 7, 6, 5, 4, 3, 2}};
    if (secret != NULL) {
        teredo_auth_value(secret, strlen(secret), &p, value);
        p.auth.value = value;
        p.auth.value_size = TEREDO_HMAC_SIZE;
    }
    return p;
}

static void test_secure_qualification(void)
{
    static const struct server_client clients[] = {
        {(const uint8_t *)"bob", 3, (const uint8_t *)"tiger", 5},
        {(const uint8_t *)"alice", 5, (const uint8_t *)"open sesame", 11},
    };
    uint8_t value[TEREDO_HMAC_SIZE], long_value[255] = {0};
    char long_id[256];
    struct server_client long_client = {(const uint8_t *)long_id, 255, (const uint8_t *)"x", 1};
    struct teredo_packet p, ra;

    p = make_secure_rs("alice", "open sesame", value);
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_UNKNOWN_CLIENT,
            "a server without secrets cannot answer a client that wants a signed answer (5.2.2)");
    p = make_secure_rs("", NULL, value);
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "an empty authentication header is answered");
    ra = answer();
    ok(ra.has_auth && ra.auth.client_id_size == 0 && ra.auth.value_size == 0,
       "with an empty authentication header (5.2.2)");
    is_mem(ra.auth.nonce, p.auth.nonce, TEREDO_NONCE_SIZE,
           "5.2.2: the nonce is repeated in the response");
    p.auth.confirmation = 0x77;
    give(client_a, &p);
    ra = answer();
    is_int(ra.auth.confirmation, 0, "and the confirmation byte is 0 whatever it was");

    config.clients = clients;
    config.client_count = 2;
    server_init(&server, &config);
    p = make_secure_rs("alice", "open sesame", value);
    is_drop(give(client_a, &p), SERVER_ACCEPTED,
            "5.3.1 rule 4: a solicitation whose verification succeeds is accepted");
    ra = answer();
    ok(ra.auth.client_id_size == 5 && memcmp(ra.auth.client_id, "alice", 5) == 0 &&
           memcmp(ra.auth.nonce, p.auth.nonce, TEREDO_NONCE_SIZE) == 0,
       "5.3.2: the answer has the same identifier and nonce as the solicitation");
    is_int(ra.auth.confirmation, 0, "5.3.2: confirmation byte 0: the identifier is still valid");
    ok(teredo_auth_verify("open sesame", 11, &ra),
       "5.3.2: and a value computed with the identifier's secret, over the origin as well");
    p = make_secure_rs("bob", "tiger", value);
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "each client has its own secret");
    p = make_secure_rs("alice", "tiger", value);
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_VALUE,
            "5.3.1 rule 4: a value made with another secret is discarded");
    p = make_secure_rs("alice", "open sesame", value);
    value[TEREDO_HMAC_SIZE - 1] ^= 1;
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_VALUE, "and so is one with a single bit wrong");
    p = make_secure_rs("alice", "open sesame", value);
    p.auth.nonce[0] ^= 1;
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_VALUE,
            "5.2.2: the value covers the nonce: a changed one is discarded");
    p = make_secure_rs("alice", NULL, value);
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_VALUE,
            "an identifier without a value is discarded");
    p = make_secure_rs("alicf", "open sesame", value);
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_UNKNOWN_CLIENT,
            "an identifier that nobody has is discarded");
    p = make_secure_rs("", NULL, value);
    p.auth.value = long_value;
    p.auth.value_size = 255;
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_VALUE,
            "a value without an identifier cannot be right");
    p = make_secure_rs("", NULL, value);
    is_drop(give(client_a, &p), SERVER_ACCEPTED,
            "where secure qualification is not required, others are answered too");

    config.require_auth = true;
    server_init(&server, &config);
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_MISSING,
            "5.3.1 rule 4: where it is required, a solicitation without identifier is discarded");
    p.has_auth = false;
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_MISSING,
            "and so is one without an authentication header");
    p.ip6.source = teredo_address(PRIMARY, client_a);
    p = make_rs(&p.ip6.source);
    is_drop(give(client_a, &p), SERVER_DROP_AUTH_MISSING,
            "a Teredo source address is no way around it");
    p = make_secure_rs("alice", "open sesame", value);
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "and a verified one is answered");
    p = make_bubble(teredo_address(PRIMARY, client_a), teredo_address(PRIMARY, client_b));
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "bubbles carry no authentication and need none");

    memset(long_id, 'i', 255);
    long_id[255] = '\0';
    config.clients = &long_client;
    config.client_count = 1;
    server_init(&server, &config);
    p = make_secure_rs(long_id, "x", value);
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "an identifier may be 255 bytes long");
    ra = answer();
    ok(ra.auth.client_id_size == 255 && teredo_auth_verify("x", 1, &ra), "in the answer too");
    set_up();
}

static void test_client_order(void)
{
    struct server_client bob = {.id = (const uint8_t *)"bob", .id_size = 3};
    struct server_client alice = {.id = (const uint8_t *)"alice", .id_size = 5};
    struct server_client eve = {.id = (const uint8_t *)"eve", .id_size = 3};

    ok(server_client_compare(&bob, &alice) < 0 && server_client_compare(&alice, &bob) > 0,
       "a shorter identifier comes first");
    ok(server_client_compare(&bob, &eve) < 0 && server_client_compare(&eve, &bob) > 0,
       "then the bytes decide");
    is_int(server_client_compare(&eve, &eve), 0, "and an identifier equals itself");
}

int main(void)
{
    set_up();
    test_secure_qualification();
    test_client_order();
    return done_testing();
}
