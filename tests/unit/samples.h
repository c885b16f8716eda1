/* Packets that real programs sent, and those that RFC 4380 gives as examples. */
#ifndef TESTS_SAMPLES_H
#define TESTS_SAMPLES_H

/* RFC 4380 5.1.1: the origin indication of 1.2.3.4:337. */
#define SAMPLE_ORIGIN "0000FEAEFEFDFCFB"

/* A router solicitation as miredo sends it: empty authentication, fe80::ffff:ffff:ffff, ff02::2. */
#define SAMPLE_RS_IP6                                                                     \
    "6000000000083aff fe800000000000000000ffffffffffff ff020000000000000000000000000002 " \
    "85007d3700000000"
#define SAMPLE_AUTH "00010000 0102030405060708 00"
#define SAMPLE_RS SAMPLE_AUTH SAMPLE_RS_IP6

/* What miredo-server 1.2.6 at 192.0.2.1 answered to it, from 203.0.113.9:40000. */
#define SAMPLE_RA_ORIGIN "000063bf34ff8ef6"
#define SAMPLE_RA_IP6                                                                     \
    "6000000000383aff fe800000000000008000f2273ffffdfe fe800000000000000000ffffffffffff " \
    "8600954c0000000000000000000007d0 "                                                   \
    "03044040ffffffffffffffff0000000020010000c00002010000000000000000 0501000000000500"
#define SAMPLE_RA SAMPLE_AUTH SAMPLE_RA_ORIGIN SAMPLE_RA_IP6

/* A bubble with hop limit 0 from a link-local address to a Teredo address. */
#define SAMPLE_BUBBLE \
    "6000000000003b00 fe800000000000001c2b3a495867768e 20010000c0000281000063bf34ff8ef6"

/* Trailers of Windows clients: of a direct bubble (nonce, ND option), and of an indirect one
 * (nonce, alternate address 192.168.1.101:59656, random port 31382). */
#define SAMPLE_DIRECT_TRAILERS "01043b6c5334 040400000000"
#define SAMPLE_INDIRECT_TRAILERS "01046908dbf5 03080000c0a80165e908 05027a96"

#endif
