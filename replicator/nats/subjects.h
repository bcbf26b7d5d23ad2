// Names of the subjects on which replicators talk. Both are on the server of the *source* region:
//
//   ew.repl.<source>.ctl.<receiver>      receiver -> source: Open, Credit, Close, Ask
//   ew.repl.<source>.notice.<receiver>   source -> receiver: Opened, Batch, End, Heartbeat
//
// So a server's permissions can say exactly what a peer may do there: publish to its own ctl
// subject and listen to its own notices. Region names have no character that means something to
// NATS (topology/topology_reader).
#pragma once

#include <string>
#include <string_view>

namespace everwrite::replicator {

std::string ControlSubject(std::string_view source, std::string_view receiver);
// All receivers: what a source subscribes to.
std::string ControlSubjects(std::string_view source);
std::string NoticeSubject(std::string_view source, std::string_view receiver);
// Where the server says that nobody serves a control subject.
std::string NobodySubject(std::string_view receiver, std::string_view source);
// The last token: who a control message is from.
std::string_view LastToken(std::string_view subject);

}  // namespace everwrite::replicator
