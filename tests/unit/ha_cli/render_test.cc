#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/cli/render_json.h"
#include "ha/cli/render_text.h"
#include "ha/cli/words.h"
#include "tests/unit/ha_cli/fake_node.h"
#include "tests/unit/ha_cli/golden.h"

namespace hotpair::ha::cli {
namespace {

using config::ServiceType;
using testing::golden;
using ::testing::HasSubstr;
using testing::ip;
using ::testing::Not;
using testing::seed_profile;
using testing::seed_service;
using testing::wall;

// The seeds' displays to the letter.
TEST(Seeds, RemoteBackupService) {
  for (const bool ipv6 : {false, true}) {
    for (const bool a : {true, false}) {
      const std::string file =
          std::string(ipv6 ? "seed004" : "seed003") + (a ? "/DeviceA" : "/DeviceB");
      EXPECT_EQ(to_text(RemoteBackupServicesModel{{seed_service(ipv6, a)}}),
                golden(file + ".display-remote-backup-service.txt"));
    }
  }
}

TEST(Seeds, RemoteBackupProfile) {
  for (const char* device : {"DeviceA", "DeviceB"}) {
    EXPECT_EQ(to_text(RemoteBackupProfilesModel{{seed_profile(ServiceType::igmp)}}),
              golden(std::string("seed003/") + device + ".display-remote-backup-profile.txt"));
    EXPECT_EQ(to_text(RemoteBackupProfilesModel{{seed_profile(ServiceType::mld)}}),
              golden(std::string("seed004/") + device + ".display-remote-backup-profile.txt"));
  }
}

TEST(RemoteBackupService, ChangedInputsChangeTheRightCells) {
  RemoteBackupService service = seed_service(false, true);
  service.index = 2;
  service.name = "other";
  service.tcp_state = "down";
  service.peer.reset();
  service.port = 2000;
  service.track_bfd = 7;
  service.ssl_policy_name = "policy1";
  service.ssl_state = "ok";
  service.last_error = "no pair key: run hotpair pair init";
  service.utc_offset_s = -4 * 3600;
  EXPECT_EQ(to_text(RemoteBackupServicesModel{{service}}),
            "----------------------------------------------------------\n"
            " Service-Index    : 2\n"
            " Service-Name     : other\n"
            " TCP-State        : down\n"
            " Peer-ip          : --\n"
            " Source-ip        : 1.1.1.1\n"
            " TCP-Port         : 2000\n"
            " Track-BFD        : 7\n"
            " SSL-Policy-Name  : policy1\n"
            " SSL-State        : ok\n"
            " Last up time     : 2018-05-28 23:21:36\n"
            " Last-Error       : no pair key: run hotpair pair init\n"
            "----------------------------------------------------------\n");
  service.last_up_time.reset();
  EXPECT_THAT(to_text(RemoteBackupServicesModel{{service}}), HasSubstr(" Last up time     : --\n"));
  EXPECT_EQ(to_text(RemoteBackupServicesModel{}), "");
}

TEST(RemoteBackupProfile, ChangedInputsChangeTheRightCells) {
  RemoteBackupProfile profile = seed_profile(ServiceType::igmp);
  profile.index = 0x1001;
  profile.services.push_back(ServiceType::mld);
  profile.track.reset();
  profile.interfaces.clear();
  profile.hot = false;
  profile.notes = {"no pair key: run hotpair pair init"};
  const std::string text = to_text(RemoteBackupProfilesModel{{profile}});
  EXPECT_THAT(text, HasSubstr(" Profile-Index        : 0x1001\n"));
  EXPECT_THAT(text, HasSubstr(" Service              : igmp, MLD\n"));
  EXPECT_THAT(text, HasSubstr(" track protocol       : --\n"));
  EXPECT_THAT(text, Not(HasSubstr("E-Trunk  ID")));
  EXPECT_THAT(text, HasSubstr(" Interface            : --\n"));
  EXPECT_THAT(text, HasSubstr(" Forwarding Configured: --\n"));
  EXPECT_THAT(text, HasSubstr(" Last-Error           : no pair key"));
}

TEST(Json, KeysOfTheService) {
  EXPECT_EQ(
      to_json(RemoteBackupServicesModel{{seed_service(true, true)}}).dump(),
      "{\"remote_backup_services\":[{\"index\":1,\"name\":\"service1\",\"tcp_state\":\"connected\","
      "\"peer\":\"2001:db8:33::33\",\"source\":\"2001:db8:11::11\",\"tcp_port\":1025,"
      "\"track_bfd\":null,\"ssl_policy_name\":null,\"ssl_state\":null,\"pair_key_id\":null,"
      "\"last_up_time\":\"2021-05-29T03:21:36.000Z\",\"last_error\":null,\"statistics\":{"
      "\"connects\":0,\"disconnects\":0,\"renewals\":0,\"frames_sent\":0,\"frames_received\":0,"
      "\"bytes_sent\":0,"
      "\"bytes_received\":0,\"refused\":{}}}]}");
}

TEST(Json, KeysOfTheProfile) {
  EXPECT_EQ(
      to_json(RemoteBackupProfilesModel{{seed_profile(ServiceType::mld)}}).dump(),
      "{\"remote_backup_profiles\":[{\"index\":4096,\"name\":\"profile1\",\"services\":[\"mld\"],"
      "\"remote_backup_service\":\"service1\",\"backup_id\":10,\"e_trunk\":1,\"eth_trunk\":1,"
      "\"interfaces\":[\"Eth-Trunk1\"],\"backup_mode\":\"hot\",\"role\":\"init\",\"term\":{"
      "\"counter\":0,\"node\":\"0000000000000000\"},\"gate_open\":false,\"complete\":false,"
      "\"notes\":[]}]}");
}

Etrunk etrunk() {
  Etrunk each;
  each.id = 1;
  each.state = etrunk::Role::master;
  each.reason = "PRI";
  each.peer = ip("3.3.3.3");
  each.source = ip("1.1.1.1");
  each.priority = 20;
  each.rank = 20;
  each.system_id = *MacAddress::parse("00e0-fc12-3455");
  each.peer_heard = EtrunkPeer{NodeId(7), 10, *MacAddress::parse("00e0-fc12-3456"), 20'000,
                               etrunk::ControlState::running};
  each.paths.push_back({.id = 0,
                        .local = ip("1.1.1.1"),
                        .peer = ip("3.3.3.3"),
                        .device = "",
                        .up = true,
                        .sent = 10,
                        .received = 9,
                        .rejected_auth = 1,
                        .rejected_other = 0,
                        .not_echoed = 1,
                        .last_heard_ms = 40});
  EtrunkMember member;
  member.eth_trunk = 1;
  member.physical_up = true;
  member.scope = ScopeId(10);
  member.role = etrunk::Role::master;
  member.reason = "ETRUNK_MASTER";
  member.gate_open = true;
  each.members.push_back(member);
  each.notes = {"single path: cutting it makes two masters"};
  return each;
}

TEST(EtrunkDisplay, SaysWhoIsMasterAndWhy) {
  const std::string text = to_text(EtrunksModel{{etrunk()}});
  EXPECT_THAT(text,
              HasSubstr("E-TRUNK-ID : 1                          Revert-Delay-Time (s) : 120\n"));
  EXPECT_THAT(text, HasSubstr("State : Master                          Causation : PRI\n"));
  EXPECT_THAT(text, HasSubstr("Peer-Priority : 10"));
  EXPECT_THAT(text, HasSubstr("Note : single path: cutting it makes two masters\n"));
  EXPECT_THAT(text, HasSubstr("0     1.1.1.1  3.3.3.3  routed  Up     40"));
  EXPECT_THAT(
      text,
      HasSubstr("Eth-Trunk  1   Up             Master  ETRUNK_MASTER  10         -     open\n"));
  Etrunk silent = etrunk();
  silent.peer_heard.reset();
  silent.rank = 5;
  EXPECT_THAT(to_text(EtrunksModel{{silent}}), HasSubstr("Peer : not heard\n"));
  EXPECT_THAT(to_text(EtrunksModel{{silent}}), HasSubstr("Rank after tracking : 5\n"));
  EXPECT_THAT(to_json(EtrunksModel{{silent}}).dump(), HasSubstr("\"peer_heard\":null"));
}

GmpGroup group(const std::string& address) {
  mcast::gmp::GroupRow row{.link = LinkId(1), .group = *Group::parse(address)};
  row.last_reporter = ip("10.0.15.5");
  row.uptime = std::chrono::seconds(124);
  row.expires = std::chrono::seconds(77);
  row.mode = mcast::gmp::FilterMode::exclude;
  row.sources.push_back(
      {.source = ip("10.1.1.1"), .forwarding = true, .expires = std::chrono::seconds(5)});
  return {"Eth-Trunk1", ip("10.0.15.1"), row};
}

TEST(GroupDisplay, AsOperatorsKnowIt) {
  GmpGroupsModel model{Family::ipv4, {group("225.1.1.2"), group("225.1.1.3")}, 5};
  EXPECT_EQ(to_text(model, {}),
            "Interface group report information of VPN-Instance: public net\n"
            " Eth-Trunk1(10.0.15.1):\n"
            "  Total 2 IGMP Groups reported\n"
            "   Group Address   Last Reporter   Uptime      Expires\n"
            "   225.1.1.2       10.0.15.5       00:02:04    00:01:17\n"
            "   225.1.1.3       10.0.15.5       00:02:04    00:01:17\n"
            "The first 2 of 5 groups are shown.\n");
  EXPECT_THAT(to_text(model, {.verbose = true}),
              HasSubstr("    Filter mode: exclude\n    Source 10.1.1.1 "));
  EXPECT_EQ(to_text(GmpGroupsModel{Family::ipv6, {}, 0}, {}), "No MLD group.\n");
  EXPECT_THAT(to_json(model).dump(), HasSubstr("\"expires_ms\":77000"));
}

TEST(InterfaceDisplay, CountersOnlyWhenVerbose) {
  GmpInterface each{"Eth-Trunk1", true, {}};
  each.row.version = 3;
  each.row.role = mcast::gmp::QuerierRole::standby;
  each.row.address = ip("10.0.15.1");
  each.row.query_interval = std::chrono::milliseconds(2500);
  each.row.counters.reports = {1, 2, 3};
  each.row.counters.ignored[static_cast<std::size_t>(mcast::gmp::Ignored::standby)] = 4;
  each.row.counters.rejects[static_cast<std::size_t>(mcast::wire::Reject::bad_checksum)] = 5;
  const GmpInterfacesModel model{Family::ipv4, {each}};
  EXPECT_THAT(to_text(model, {}), HasSubstr("Querier: none (standby)\n"));
  EXPECT_THAT(to_text(model, {}), HasSubstr("query interval (in seconds): 2.5\n"));
  EXPECT_THAT(to_text(model, {}), Not(HasSubstr("Received")));
  const std::string verbose = to_text(model, {.verbose = true});
  EXPECT_THAT(verbose, HasSubstr("Received: queries 0, reports 6, leaves 0\n"));
  EXPECT_THAT(verbose, HasSubstr("Ignored, standby: 4\n"));
  EXPECT_THAT(verbose, HasSubstr("Rejected, bad checksum: 5\n"));
  EXPECT_THAT(to_json(model).dump(), HasSubstr("\"bad_checksum\":5"));
}

TEST(ForwardingDisplay, GatesAndOrigins) {
  ForwardingRoute route;
  route.source = ip("10.9.0.1");
  route.group = ip("225.1.1.1");
  route.incoming = "GigabitEthernet0/1/1";
  route.outgoing = {{"Eth-Trunk1", ScopeId(10), false}};
  route.origin = "synced";
  const std::string unread = to_text(ForwardingTableModel{{route}, 1});
  EXPECT_THAT(unread, Not(HasSubstr("Packets")));
  route.counters = ForwardingRoute::Counters{7, 700, 1};
  const std::string text = to_text(ForwardingTableModel{{route}, 1});
  EXPECT_THAT(text, HasSubstr("00001. (10.9.0.1, 225.1.1.1)\n"));
  EXPECT_THAT(text, HasSubstr("         Eth-Trunk1 (backup-id 10, gate closed)\n"));
  EXPECT_THAT(text, HasSubstr("       Packets 7, bytes 700, wrong interface 1\n"));
  EXPECT_THAT(to_json(ForwardingTableModel{{route}, 1}).dump(),
              HasSubstr("\"backup_id\":10,\"gate_open\":false"));
}

TEST(DatabaseDisplay, DigestAndLag) {
  ScopeDatabases scope;
  scope.scope = ScopeId(10);
  scope.profile = "profile1";
  scope.sync_state = "in sync";
  scope.databases.push_back({16, "IGMP membership", 200, 300, 299, 1, DigestState::equal, 1, 4});
  const std::string text = to_text(DatabasesModel{{scope}});
  EXPECT_THAT(text, HasSubstr("Scope 10 (profile1): init, term"));
  EXPECT_THAT(text, HasSubstr("IGMP membership  200      300   299    1         equal   1    4\n"));
  EXPECT_THAT(text, Not(HasSubstr("Without a maker")));
  scope.databases.push_back({8, "MDT tunnel"});
  EXPECT_THAT(to_text(DatabasesModel{{scope}}),
              HasSubstr("Without a maker in this version, kept and mirrored all the same: "
                        "MDT tunnel.\n"));
}

TEST(OtherDisplays, Texts) {
  EXPECT_EQ(to_text(AlarmsModel{}), "No active alarms.\n");
  const Alarm alarm{"HA-RBS-0003",
                    "major",
                    "service1",
                    "the peer is silent",
                    wall(2026, 11, 21, 1, 2, 3),
                    3600,
                    "look at the cable"};
  EXPECT_EQ(to_text(AlarmsModel{{alarm}}),
            "HA-RBS-0003 major service1 since 2026-11-21 02:02:03\n   the peer is silent\n"
            "   next step: look at the cable\n");
  EXPECT_EQ(to_text(KeeperModel{false, "/run/k", std::nullopt, 0}),
            "No keeper is connected (/run/k).\n");
  KeeperModel keeper{true, "/run/k", keeper::KeeperStatus{}, 3};
  keeper.status->pid = 42;
  keeper.status->scopes.push_back({.scope = ScopeId(10), .role = etrunk::Role::backup});
  keeper.status->descriptors = {"mroute4", "mroute6"};
  EXPECT_THAT(to_text(keeper), HasSubstr("process 42"));
  EXPECT_THAT(to_text(keeper), HasSubstr("Kept descriptors: mroute4, mroute6\n"));
  EXPECT_THAT(to_json(keeper).dump(), HasSubstr("\"pid\":42"));
  Switchover change;
  change.number = 3;
  change.scope = ScopeId(10);
  change.from = etrunk::Role::backup;
  change.to = etrunk::Role::master;
  change.cause = "all paths down";
  change.result = "done";
  change.phases = {{"gate open", 1250, "Eth-Trunk1"}};
  EXPECT_THAT(to_text(SwitchoverHistoryModel{{change}}),
              HasSubstr("scope 10: backup -> master, done\n"));
  EXPECT_THAT(to_text(SwitchoverHistoryModel{{change}}),
              HasSubstr("     1.250 ms  gate open: Eth-Trunk1\n"));
  EXPECT_THAT(to_json(SwitchoverHistoryModel{{change}}).dump(), HasSubstr("\"at_us\":1250"));
}

TEST(Render, ReadinessTellsWhatBlocks) {
  EXPECT_EQ(to_text(ReadinessModel{}), "No profile, so there is nothing to switch over.\n");
  ReadinessRow row{.scope = ScopeId(10),
                   .profile = "profile1",
                   .role = etrunk::Role::master,
                   .ready = false,
                   .peer = std::nullopt,
                   .findings = {}};
  row.findings = {{"the peer's copy is not complete", 0, true, false},
                  {"the peer's access link is down", 0, true, true},
                  {"records wait for their acknowledgement", 7, false, true}};
  EXPECT_EQ(to_text(ReadinessModel{{row}}),
            "Backup-ID 10 (profile1): master, not ready\n"
            "   peer says: nothing\n"
            "   blocks: the peer's copy is not complete\n"
            "   blocks: the peer's access link is down (force goes on)\n"
            "   note: 7 records wait for their acknowledgement\n");
  EXPECT_THAT(to_json(ReadinessModel{{row}}).dump(), HasSubstr("\"peer\":null"));
  row.peer = ReadinessPeer{etrunk::Role::backup, true, false, etrunk::ControlState::running};
  EXPECT_THAT(to_text(ReadinessModel{{row}}),
              HasSubstr("peer says: backup, copy complete, access link down, control running\n"));
  EXPECT_THAT(to_json(ReadinessModel{{row}}).dump(), HasSubstr("\"access_up\":false"));
  EXPECT_THAT(to_json(ReadinessModel{{row}}).dump(), HasSubstr("\"routes\":null"));
  row.peer->routes = ReadinessRoutes{4, 5, 6};
  EXPECT_THAT(to_json(ReadinessModel{{row}}).dump(), HasSubstr("\"without_rpf\":4"));
}

TEST(Words, Times) {
  EXPECT_EQ(clock_of(std::chrono::seconds(0)), "00:00:00");
  EXPECT_EQ(clock_of(std::chrono::seconds(86'399)), "23:59:59");
  EXPECT_EQ(clock_of(std::chrono::seconds(90'000)), "1d01h");
  EXPECT_EQ(clock_of(std::chrono::seconds(-5)), "00:00:00");
  EXPECT_EQ(rfc3339(wall(1970, 1, 1, 0, 0, 0) - std::chrono::milliseconds(1)),
            "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace hotpair::ha::cli
