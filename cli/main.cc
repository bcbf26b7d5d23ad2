// The command line: everwrite COMMAND. Only here is CLI11 known; what each command does is in
// commands.h.
#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace everwrite::cli {
namespace {

constexpr const char* kExamples = R"~(Examples:
  everwrite demo                                  three regions on this machine, gateway on port 8000
  everwrite up FILE --data DIR                    any topology on this machine
  everwrite status                                what runs: verdict, regions, links
  everwrite link cut us-east-1 eu-west-1          and: link heal, link delay A B --ms 200 --one-way
  everwrite verify                                do all regions hold the same?
  everwrite conflicts list --region us-east-1     the writes that lost
  everwrite chaos simulate --seeds 1000           a thousand simulated worlds with faults
  everwrite chaos run f01 --report f01.html       faults on real processes, and a report
  eval "$(everwrite env)"                         AWS_ENDPOINT_URL and the rest, for newer SDKs
Exit status: 0 done, 1 the answer is no, 2 usage, 69 not reached, 78 bad configuration.)~";

// Adds the options of one command and what to do when it was named.
class CommandLine {
 public:
  CommandLine()
      : app_("Everwrite: a DynamoDB-compatible database, active in several regions at once") {
    app_.name("everwrite");
    app_.require_subcommand(1);
    app_.footer(kExamples);
    AddDemo();
    AddUp();
    AddDaemon("region", "one region: the table engine and its DynamoDB endpoint", region_);
    AddDaemon("replicator", "the replication daemon beside a region", replicator_)
        ->add_option("--peer", replicator_.peers,
                     "NAME=URL: reach this peer's nats-server there (repeatable)");
    AddStatus();
    AddVerify();
    AddConflicts();
    AddWhere();
    AddLink();
    AddChaos();
    AddRest();
  }

  int Run(int count, char** arguments) {
    try {
      app_.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
      // Help and the like are errors to CLI11, with status 0.
      return app_.exit(error) == 0 ? 0 : kExitUsage;
    }
    return run_();
  }

 private:
  CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& text,
                std::function<int()> run) {
    CLI::App* const command = parent.add_subcommand(name, text);
    command->callback([this, run = std::move(run)] { run_ = run; });
    return command;
  }

  void AddDemo() {
    CLI::App* const command = Add(app_, "demo", "three regions on this machine, with a gateway",
                                  [this] { return RunDemo(demo_); });
    command->add_option("--data", demo_.data,
                        "keep the data in this folder (else it is temporary)");
    command->add_option("--port", demo_.gateway_port, "of the gateway")
        ->check(CLI::Range(0, 65535))
        ->capture_default_str();
    command->footer("Example: everwrite demo --data ~/everwrite-demo");
  }

  void AddUp() {
    CLI::App* const command =
        Add(app_, "up", "a whole topology on this machine", [this] { return RunUp(up_); });
    command->add_option("FILE", up_.topology_file, "topology file")->required();
    command->add_option("--data", up_.data, "folder for all data (else as the file says)");
    command->add_option("--gateway", up_.gateway_port, "also serve a gateway on this port")
        ->check(CLI::Range(0, 65535));
    command->footer(
        "Example: everwrite up topology/examples/three_regions.yaml --data ~/everwrite");
  }

  CLI::App* AddDaemon(const std::string& name, const std::string& text, DaemonCommand& daemon) {
    CLI::App* const command = Add(app_, name, text, [&daemon, name] {
      return name == "region" ? RunRegionCommand(daemon) : RunReplicatorCommand(daemon);
    });
    command->add_option("--topology", daemon.topology_file, "topology file")
        ->required()
        ->envname("EVERWRITE_TOPOLOGY");
    command->add_option("--region", daemon.region, "which region of it this is")
        ->required()
        ->envname("EVERWRITE_REGION");
    command->add_option("--data", daemon.data, "folder for all data (else as the file says)")
        ->envname("EVERWRITE_DATA");
    command->add_option("--socket", daemon.socket,
                        "Unix socket between region and replicator (else in the data folder)");
    command->add_option("--keep", daemon.keep,
                        "keep the last good topology in this file; it is used when FILE is not");
    if (name == "region")
      command->add_flag(
          "--new", daemon.is_new,
          "the cluster is new: an empty region serves without asking its peers for data");
    command->footer("Example: everwrite " + name + " --topology FILE --region us-east-1");
    return command;
  }

  void AddStatus() {
    CLI::App* const command = Add(app_, "status", "verdict, regions, vectors and links",
                                  [this] { return RunStatus(status_); });
    command->add_option("FILE", status_.topology_file, "topology file (else what runs here)");
    command->add_flag("--json", status_.json, "for programs");
    command->add_flag("--check", status_.check, "exit status 1 when not healthy");
    command->footer("Example: everwrite status --json");
  }

  void AddVerify() {
    CLI::App* const command = Add(app_, "verify", "prove that all regions hold the same items",
                                  [this] { return RunVerify(verify_); });
    command->add_option("FILE", verify_.topology_file, "topology file (else what runs here)");
    command->add_flag("--json", verify_.json, "for programs");
    command->add_flag("--full", verify_.full,
                      "read every item and version, in quiet regions (minutes for large ones)");
    command->add_option("--wait", verify_.wait_seconds, "seconds that regions may take to catch up")
        ->check(CLI::Range(0, 86400))
        ->capture_default_str();
    command->footer(
        "Exit status 0: equal; 1: behind or diverged.\nExample: everwrite verify --wait 10");
  }

  void AddConflicts() {
    CLI::App* const command = app_.add_subcommand("conflicts", "the writes that lost");
    command->require_subcommand(1);
    using Action = ConflictsCommand::Action;
    const auto add = [&](const std::string& name, const std::string& text, Action action) {
      CLI::App* const sub = Add(*command, name, text, [this, action] {
        conflicts_.action = action;
        return RunConflicts(conflicts_);
      });
      sub->add_option("--region", conflicts_.region, "whose ledger")->required();
      sub->add_option("--topology", conflicts_.topology_file,
                      "topology file (else what runs here)");
      sub->add_flag("--json", conflicts_.json, "for programs");
      if (action != Action::kList) {
        sub->add_option("NAME", conflicts_.name, "as `conflicts list` shows it")->required();
        return;
      }
      sub->add_option("--table", conflicts_.table, "of this table only");
      sub->add_option("--key", conflicts_.key,
                      "of this item: {\"pk\":{\"S\":\"x\"}}; with --table");
      sub->add_option("--lost-by", conflicts_.lost_by, "writes of this region that lost");
      sub->add_option("--since", conflicts_.since, "writes from then on: 2026-01-31T12:00:00Z");
      sub->add_option("--until", conflicts_.until, "writes up to then");
      sub->add_option("--limit", conflicts_.limit, "at most so many, the newest first")
          ->check(CLI::Range(1, 1000))
          ->capture_default_str();
    };
    add("list", "the newest conflicts", Action::kList);
    add("show", "one conflict with both versions", Action::kShow);
    add("restore", "write the lost version again, as a new write", Action::kRestore);
    command->footer("Example: everwrite conflicts list --region us-east-1 --table notes");
  }

  void AddWhere() {
    CLI::App* const command =
        Add(app_, "where", "where a write is visible, and what became of it", [this] {
          if (where_.write.empty() && where_.session.empty() && where_.table.empty()) {
            std::fprintf(stderr, "everwrite where: say what: a RECEIPT, --session, or --table\n");
            return kExitUsage;
          }
          return RunWhere(where_);
        });
    command->add_option("RECEIPT", where_.write, "of a write: its answer's x-everwrite-receipt");
    command->add_option("--session", where_.session, "all that a token covers: x-everwrite-session")
        ->excludes("RECEIPT");
    CLI::Option* const table =
        command->add_option("--table", where_.table, "an item of this table");
    command->add_option("--key", where_.key, "its key: {\"pk\":{\"S\":\"x\"}}")->needs(table);
    table->needs("--key")->excludes("RECEIPT")->excludes("--session");
    command->add_option("--region", where_.region, "ask this one (else the first that answers)");
    command->add_option("--topology", where_.topology_file, "topology file (else what runs here)");
    command->add_flag("--json", where_.json, "for programs");
    command->footer("Example: everwrite where 0650b0f5c4000000-0001a2b3c4d5e6f7-000000000000002a");
  }

  void AddLink() {
    CLI::App* const command =
        app_.add_subcommand("link", "faults on the links of a running `up` or `demo`");
    command->require_subcommand(1);
    const auto add = [&](const std::string& name, const std::string& text) {
      CLI::App* const sub = Add(*command, name, text, [this, name] {
        link_.action = name;
        return RunLink(link_);
      });
      const bool all = name == "heal";
      sub->add_option("A", link_.from, "a region")->required(!all);
      sub->add_option("B", link_.to, "another")->required(!all);
      if (name != "reset")
        sub->add_flag("--one-way", link_.one_way, "only what travels from A to B");
      if (name == "delay") {
        sub->add_option("--ms", link_.delay_ms, "one-way delay in milliseconds")
            ->required()
            ->check(CLI::Range(0, 60000));
        sub->add_option("--jitter", link_.jitter_ms, "up to so many milliseconds more")
            ->check(CLI::Range(0, 60000));
      }
    };
    add("cut", "nothing passes; connections stay open");
    add("heal", "passes again; without A and B, all links");
    add("delay", "change the delay");
    add("reset", "end the connections between the two");
    command->footer("Example: everwrite link delay us-east-1 eu-west-1 --ms 200 --one-way");
  }

  void AddChaos() {
    CLI::App* const command =
        app_.add_subcommand("chaos", "faults on purpose, and proof that nothing is lost");
    command->require_subcommand(1);
    CLI::App* const simulate =
        Add(*command, "simulate", "whole worlds in one thread on virtual time, from seeds",
            [this] { return RunSimulate(simulate_); });
    simulate->add_option("--seeds", simulate_.seeds, "how many")->capture_default_str();
    simulate->add_option("--seed", simulate_.seed, "the first")->capture_default_str();
    simulate->add_option("--regions", simulate_.regions, "else each seed draws 2 to 5")
        ->check(CLI::Range(1, 9));
    simulate->add_option("--seconds", simulate_.seconds, "of chaos, a seed, in virtual time")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    simulate->add_option("--events", simulate_.events, "replay these files instead of seeds");
    simulate->add_option("--save", simulate_.save,
                         "write what the seed has drawn to this file, and run nothing");
    simulate->add_flag("--shrink", simulate_.shrink,
                       "make what fails as short as it can be (the default with seeds)");
    simulate->add_flag("--marks", simulate_.marks,
                       "how often each rare branch of the product was reached");
    simulate->add_flag("--no-shrink", simulate_.no_shrink, "do not");
    simulate->add_option("--shrink-seconds", simulate_.shrink_seconds, "at most, each")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    simulate->add_option("--out", simulate_.out, "folder for what was shrunk")
        ->capture_default_str();
    simulate->add_flag("--twice", simulate_.twice, "run each seed twice and compare the traces");
    simulate->add_flag("--plant-lying-sync", simulate_.lying_sync,
                       "a deliberate bug: writes are acknowledged before they are on disk");
    simulate->add_flag(
        "--small-logs", simulate_.small_logs,
        "change logs so small that regions are cut loose, in every world that can have them");
    simulate->add_flag("--overlapping-losses", simulate_.overlapping_losses,
                       "disks are lost also while another region is still being filled");
    simulate->add_flag("--placed-tables,!--no-placed-tables", simulate_.placed_tables,
                       "a table whose replicas come and go, in half of the worlds (the default)");
    simulate->add_flag("--plant-split-transactions", simulate_.split_transactions,
                       "a deliberate bug: other regions apply a transaction change by change");
    CLI::App* const check =
        Add(*command, "check", "data folders of ended regions against a history",
            [this] { return RunChaosCheck(chaos_check_); });
    check
        ->add_option("--history", chaos_check_.history,
                     "of `chaos run`; or id, key, outcome a line, tab-separated")
        ->required();
    check->add_option("FOLDER", chaos_check_.folders,
                      "data folder of a region, each (else only what clients saw is judged)");
    AddChaosRun(*command);
    command->footer(
        "Examples:\n  everwrite chaos simulate --seeds 1000 --seed 1\n"
        "  everwrite chaos run f01 --report f01.html");
  }

  void AddChaosRun(CLI::App& chaos) {
    CLI::App* const run = Add(chaos, "run", "a scenario on real processes: faults, then verdicts",
                              [this] { return RunChaosRun(chaos_run_); });
    run->add_option("SCENARIO", chaos_run_.scenario, "a file, or a name that `list` shows")
        ->required();
    run->add_option("--seed", chaos_run_.seed,
                    "of all that chance decides (else any; it is printed)")
        ->check(CLI::Range(uint64_t{1}, UINT64_MAX));
    run->add_option("--report", chaos_run_.report,
                    "write a page with timeline, charts and verdicts");
    run->add_option("--json", chaos_run_.json, "write the same as JSON");
    run->add_option("--history", chaos_run_.history, "write what every client did and saw");
    run->add_option("--other", chaos_run_.other,
                    "another version's program, for faults that upgrade");
    run->add_flag("--lying-disk", chaos_run_.lying_disk,
                  "syncs do nothing and say yes: what a power cut takes must be seen as lost");
    run->add_option("--data", chaos_run_.data, "keep data and logs in this new folder");
    run->footer(
        "Exit status: 0 everything holds, 1 something is violated, 78 a bad scenario.\n"
        "Example: everwrite chaos run my.yaml --seed 7 --report my.html (docs/chaos.md)");
    Add(chaos, "list", "the scenarios that are shipped", [] { return RunChaosList(); });
    Add(chaos, "show", "the file of one of them, to start from",
        [this] { return RunChaosShow(chaos_run_.scenario); })
        ->add_option("NAME", chaos_run_.scenario)
        ->required();
  }

  void AddRest() {
    CLI::App* const topology = app_.add_subcommand("topology", "topology files");
    topology->require_subcommand(1);
    Add(*topology, "check", "is this file good? file:line:column and the mend, if not",
        [this] { return RunTopologyCheck(file_); })
        ->add_option("FILE", file_, "topology file")
        ->required();
    topology->footer("Example: everwrite topology check topology/examples/three_regions.yaml");
    Add(app_, "env", "print environment variables for AWS SDKs", [this] {
      return RunEnv(file_);
    })->add_option("FILE", file_, "topology file (else what runs here)");
    Add(app_, "version", "print the version", [] { return RunVersion(); });
  }

  CLI::App app_;
  std::function<int()> run_ = [] { return kExitUsage; };
  DemoCommand demo_;
  UpCommand up_;
  DaemonCommand region_, replicator_;
  StatusCommand status_;
  VerifyCommand verify_;
  ConflictsCommand conflicts_;
  WhereCommand where_;
  LinkCommand link_;
  SimulateCommand simulate_;
  ChaosCheckCommand chaos_check_;
  ChaosRunCommand chaos_run_;
  std::string file_;
};

}  // namespace
}  // namespace everwrite::cli

int main(int count, char** arguments) {
  return everwrite::cli::CommandLine().Run(count, arguments);
}
