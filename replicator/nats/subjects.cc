#include "replicator/nats/subjects.h"

namespace everwrite::replicator {

std::string ControlSubject(std::string_view source, std::string_view receiver) {
  return "ew.repl." + std::string(source) + ".ctl." + std::string(receiver);
}
std::string ControlSubjects(std::string_view source) { return ControlSubject(source, "*"); }
std::string NoticeSubject(std::string_view source, std::string_view receiver) {
  return "ew.repl." + std::string(source) + ".notice." + std::string(receiver);
}
std::string NobodySubject(std::string_view receiver, std::string_view source) {
  return "_INBOX_" + std::string(receiver) + ".nobody." + std::string(source);
}
std::string_view LastToken(std::string_view subject) {
  return subject.substr(subject.rfind('.') + 1);
}

}  // namespace everwrite::replicator
