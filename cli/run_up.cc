// `everwrite up` and `everwrite demo`: signals, output, and the life of one Up.
#include <unistd.h>

#include <sys/stat.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/system_clock.h"
#include "cli/commands.h"
#include "cli/demo.h"
#include "cli/end_signals.h"
#include "cli/up.h"

namespace everwrite::cli {
namespace {

int Serve(UpOptions options, EndSignals& signals, bool instructions) {
  Up up(std::move(options));
  const Status started = up.Start([&] { return signals.Wait(0); });
  int exit_status = 0;
  if (started.ok()) {
    if (instructions) std::fputs(DemoInstructions(up.view()).c_str(), stdout);
    std::printf("%s\n", up.ReadyLine().c_str());
    std::fflush(stdout);
    while (!signals.Wait(1000)) {
    }
  } else if (started.code() != StatusCode::kAborted) {
    exit_status = ReportError(started);
  }
  signals.NextOneKills();
  up.Stop();
  return exit_status;
}

Logger MakeLogger(const Clock& clock) {
  LogOptions options;
  options.component = "up";
  options.json = !StderrIsTerminal();
  return Logger(StderrSink(), options, &clock);
}

}  // namespace

int RunUp(const UpCommand& command) {
  EndSignals signals;
  const SystemClock clock;
  auto plan = LoadPlan(command.topology_file, command.data);
  if (!plan.ok()) {
    ReportError(plan.status());
    return kExitConfiguration;
  }
  UpOptions options;
  options.plan = std::move(plan).value();
  options.program = ThisProgram();
  options.log = MakeLogger(clock);
  if (command.gateway_port >= 0) options.gateway_port = static_cast<uint16_t>(command.gateway_port);
  return Serve(std::move(options), signals, /*instructions=*/false);
}

int RunDemo(const DemoCommand& command) {
  EndSignals signals;
  const SystemClock clock;
  std::string data = command.data;
  if (data.empty()) {
    auto made = MakeTemporaryFolder();
    if (!made.ok()) return ReportError(made.status());
    data = *made;
  } else if (::mkdir(data.c_str(), 0700) != 0 && errno != EEXIST) {
    return ReportError(FailedPrecondition("cannot create folder " + data));
  }
  const std::string file = data + "/topology.yaml";
  int exit_status = kExitConfiguration;
  // A file that is there was perhaps changed on purpose: it is kept.
  if (::access(file.c_str(), F_OK) != 0) std::ofstream(file) << DemoTopology();
  auto plan = LoadPlan(file, data);
  if (plan.ok()) {
    UpOptions options;
    options.plan = std::move(plan).value();
    options.program = ThisProgram();
    options.log = MakeLogger(clock);
    options.gateway_port = static_cast<uint16_t>(command.gateway_port);
    exit_status = Serve(std::move(options), signals, /*instructions=*/true);
  } else {
    ReportError(plan.status());
  }
  if (command.data.empty()) RemoveTemporaryFolder(data);
  return exit_status;
}

}  // namespace everwrite::cli
