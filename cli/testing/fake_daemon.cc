// Stands for the everwrite executable in tests of `up`: as a region it serves on the addresses that
// the topology file gives it, as a replicator it waits; both until a signal. A file NAME.refuse
// beside the topology file makes the region end with status 78, as a bad configuration does.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include <unistd.h>

#include "region/http/http_server.h"
#include "topology/topology_file.h"

int main(int count, char** arguments) {
  const std::string role = count > 1 ? arguments[1] : "";
  std::string file, name;
  for (int i = 2; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--topology") == 0) file = arguments[i + 1];
    if (std::strcmp(arguments[i], "--region") == 0) name = arguments[i + 1];
    std::printf("%s %s\n", arguments[i], arguments[i + 1]);
  }
  std::fflush(stdout);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto topology = everwrite::topology::LoadTopology(file);
  if (!topology.ok()) return 78;
  if (::access((topology->directory + "/" + name + ".refuse").c_str(), F_OK) == 0) {
    std::fprintf(stderr, "refused by the test\n");
    return 78;
  }
  std::vector<std::unique_ptr<everwrite::http::HttpServer>> servers;
  for (const bool admin : {true, false}) {
    if (role != "region") break;
    everwrite::http::HttpServerOptions options;
    const auto* const region = topology->FindRegion(name);
    options.port = admin ? region->admin.port : region->endpoint.port;
    auto started = everwrite::http::HttpServer::Start(
        options, [](const everwrite::http::HttpRequest&, everwrite::http::HttpResponder responder) {
          responder.Send({.status = 200, .body = "ready\n"});
        });
    if (!started.ok()) return 1;
    servers.push_back(std::move(started).value());
  }
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}
