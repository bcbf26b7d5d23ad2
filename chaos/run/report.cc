#include "chaos/run/report.h"

#include <algorithm>
#include <cstdio>

namespace everwrite::chaos {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr double kLeft = 64, kRight = 16, kWidth = 960, kPlotHeight = 120;

// The colours of lines, readable on white and on black.
constexpr const char* kColours[] = {"#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6",
                                    "#ec4899", "#14b8a6", "#a3a3a3", "#84cc16"};

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string JsonText(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof(code), "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

struct Line {
  std::string name;
  std::string colour;
  std::vector<std::pair<double, double>> points;  // seconds, value
  bool dashed = false;
};

class Page {
 public:
  explicit Page(const RunReport& report) : report_(report) {
    const RunPhases& phases = report.phases;
    end_ = static_cast<double>(std::max(phases.load_end, phases.converged)) / kSecond;
    end_ = std::max(end_, 1.0);
  }

  std::string Make() {
    out_ += kHead;
    out_ += "<title>" + Escaped(report_.name) + ": " + (report_.Passed() ? "holds" : "violated") +
            "</title></head><body>\n";
    Top();
    Timeline();
    Charts();
    Verdicts();
    Faults();
    return out_ + "</body></html>\n";
  }

 private:
  static const char* const kHead;

  double X(double seconds) const { return kLeft + (kWidth - kLeft - kRight) * seconds / end_; }
  double FaultSecond(int64_t at) const {
    return static_cast<double>(report_.phases.faults_begin + at) / kSecond;
  }

  void Top() {
    const bool passed = report_.Passed();
    const auto failed = std::count_if(report_.verdicts.begin(), report_.verdicts.end(),
                                      [](const Verdict& verdict) { return !verdict.holds; });
    out_ += std::string("<header class=\"") + (passed ? "good" : "bad") +
            "\"><p class=\"verdict\">" +
            (passed ? "Everything holds"
                    : std::to_string(failed) + " of " + std::to_string(report_.verdicts.size()) +
                          " do not hold") +
            "</p><h1>" + Escaped(report_.name) + "</h1>";
    if (!report_.description.empty()) out_ += "<p>" + Escaped(report_.description) + "</p>";
    const Figures& figures = report_.figures;
    out_ += "</header>\n<ul class=\"figures\">";
    const auto figure = [this](const std::string& value, const std::string& what) {
      out_ += "<li><b>" + value + "</b> " + what + "</li>";
    };
    figure(std::to_string(report_.regions.size()), "regions");
    figure(std::to_string(figures.operations), "operations");
    figure(std::to_string(figures.acknowledged_writes), "writes acknowledged");
    figure(std::to_string(figures.unknown), "of unknown outcome");
    figure(std::to_string(report_.strokes.size()), "faults");
    figure(Number(static_cast<double>(figures.quiet_p99_us) / 1000) + " ms", "p99 quiet");
    figure(Number(static_cast<double>(figures.fault_p99_us) / 1000) + " ms", "p99 under faults");
    figure(std::to_string(report_.seed), "seed");
    out_ += "</ul>\n<p class=\"replay\">Again: <code>" + Escaped(report_.replay) + "</code></p>\n";
  }

  void Bands(double height) {
    for (const Stroke& stroke : report_.strokes) {
      const double from = X(FaultSecond(stroke.at));
      const double width = std::max(X(FaultSecond(stroke.until)) - from, 1.5);
      out_ += "<rect class=\"band\" x=\"" + Number(from) + "\" y=\"0\" width=\"" + Number(width) +
              "\" height=\"" + Number(height) + "\"><title>" + Escaped(stroke.text) +
              "</title></rect>";
    }
  }

  void Axis(double height) {
    double step = 1;
    for (const double one : {2., 5., 10., 30., 60., 300., 600., 3600.})
      if (end_ / step > 12) step = one;
    for (double at = 0; at <= end_; at += step)
      out_ += "<text class=\"tick\" x=\"" + Number(X(at)) + "\" y=\"" + Number(height + 14) +
              "\" text-anchor=\"middle\">" + std::to_string(static_cast<int64_t>(at)) + " s</text>";
  }

  // A row a fault of the file's words, so that bands can be told apart.
  void Timeline() {
    std::vector<std::string> rows;
    for (const Stroke& stroke : report_.strokes)
      if (std::find(rows.begin(), rows.end(), stroke.text) == rows.end())
        rows.push_back(stroke.text);
    constexpr size_t kMaxRows = 24;
    if (rows.size() > kMaxRows) rows.resize(kMaxRows);
    const double row = 28;
    const double height = row * static_cast<double>(std::max<size_t>(rows.size(), 1));
    out_ += "<h2>Faults over time</h2>\n<svg viewBox=\"0 0 960 " + Number(height + 20) +
            "\" role=\"img\" aria-label=\"faults over time\">";
    Marks(height);
    for (size_t i = 0; i < rows.size(); ++i) {
      const double y = row * static_cast<double>(i);
      double first = end_;
      for (const Stroke& stroke : report_.strokes) {
        if (stroke.text != rows[i]) continue;
        first = std::min(first, FaultSecond(stroke.at));
        const double from = X(FaultSecond(stroke.at));
        const double width = std::max(X(FaultSecond(stroke.until)) - from, 3.0);
        out_ += "<rect class=\"fault\" x=\"" + Number(from) + "\" y=\"" + Number(y + 16) +
                "\" width=\"" + Number(width) + "\" height=\"9\" rx=\"2\"/>";
      }
      const bool right_half = X(first) > kWidth / 2;
      out_ += "<text class=\"name\" x=\"" + Number(X(first) + (right_half ? 3 : 0)) + "\" y=\"" +
              Number(y + 12) + "\"" + (right_half ? " text-anchor=\"end\"" : "") + ">" +
              Escaped(rows[i]) + "</text>";
    }
    if (rows.empty())
      out_ += "<text class=\"name\" x=\"" + Number(kLeft) + "\" y=\"13\">none</text>";
    Axis(height);
    out_ += "</svg>\n";
  }

  // Where the warm-up ended, where all was healed, and where the load ended.
  void Marks(double height) {
    const RunPhases& phases = report_.phases;
    for (const int64_t at : {phases.faults_begin, phases.faults_end, phases.load_end}) {
      const double x = X(static_cast<double>(at) / kSecond);
      out_ += "<line class=\"mark\" x1=\"" + Number(x) + "\" x2=\"" + Number(x) +
              "\" y1=\"0\" y2=\"" + Number(height) + "\"/>";
    }
  }

  void Chart(const std::string& title, const std::vector<Line>& lines) {
    double most = 0;
    for (const Line& line : lines)
      for (const auto& point : line.points) most = std::max(most, point.second);
    if (most <= 0) most = 1;
    const double top = 8, height = kPlotHeight;
    const auto y = [&](double value) { return top + (height - top) * (1 - value / most); };
    out_ += "<h3>" + Escaped(title) + "</h3>\n<p class=\"legend\">";
    for (const Line& line : lines) {
      if (line.dashed) continue;
      out_ +=
          "<span><i style=\"background:" + line.colour + "\"></i>" + Escaped(line.name) + "</span>";
    }
    out_ += "</p><svg viewBox=\"0 0 960 " + Number(height + 20) + "\" role=\"img\" aria-label=\"" +
            Escaped(title) + "\">";
    Bands(height);
    Marks(height);
    for (const double part : {0.0, 0.5, 1.0}) {
      const double at = y(most * part);
      out_ += "<line class=\"grid\" x1=\"" + Number(kLeft) + "\" x2=\"" + Number(kWidth - kRight) +
              "\" y1=\"" + Number(at) + "\" y2=\"" + Number(at) + "\"/><text class=\"tick\" x=\"" +
              Number(kLeft - 6) + "\" y=\"" + Number(at + 4) + "\" text-anchor=\"end\">" +
              (most >= 10 ? std::to_string(static_cast<int64_t>(most * part + 0.5))
                          : Number(most * part)) +
              "</text>";
    }
    for (const Line& line : lines) {
      out_ += "<polyline class=\"line\" stroke=\"" + line.colour + "\"" +
              (line.dashed ? " stroke-dasharray=\"3 3\"" : "") + " points=\"";
      for (const auto& [at, value] : line.points)
        out_ += Number(X(std::min(at, end_))) + "," + Number(y(value)) + " ";
      out_ += "\"/>";
    }
    Axis(height);
    out_ += "</svg>\n";
  }

  std::string Colour(size_t index) const { return kColours[index % std::size(kColours)]; }

  void Charts() {
    std::vector<Line> answered, unknown, latency, lag, conflicts;
    for (size_t i = 0; i < report_.regions.size(); ++i) {
      const std::string& region = report_.regions[i];
      Line rate{region, Colour(i), {}, false}, lost{region, Colour(i), {}, false};
      Line median{region + " p50", Colour(i), {}, true}, tail{region, Colour(i), {}, false};
      const auto at = report_.figures.seconds.find(region);
      for (size_t second = 0; at != report_.figures.seconds.end() && second < at->second.size();
           ++second) {
        const RegionSecond& figure = at->second[second];
        const double x = static_cast<double>(second) + 0.5;
        if (static_cast<int64_t>(second + 1) * kSecond > report_.phases.load_end) continue;
        rate.points.emplace_back(x, static_cast<double>(figure.answered));
        lost.points.emplace_back(x, static_cast<double>(figure.unknown));
        median.points.emplace_back(x, static_cast<double>(figure.p50_us) / 1000);
        tail.points.emplace_back(x, static_cast<double>(figure.p99_us) / 1000);
      }
      answered.push_back(std::move(rate));
      unknown.push_back(std::move(lost));
      latency.push_back(std::move(tail));
      latency.push_back(std::move(median));
      conflicts.push_back(FromSamples(region, i, report_.conflicts));
    }
    size_t link = 0;
    for (const auto& [name, samples] : report_.lag_ms)
      lag.push_back(FromSamples(name, link++, report_.lag_ms));
    out_ += "<h2>What clients saw</h2>\n";
    Chart("Answers a second, by region", answered);
    Chart("Requests without an answer, a second", unknown);
    Chart("Latency in the own region in ms: p99, and p50 dashed", latency);
    out_ += "<h2>Between regions</h2>\n";
    Chart("Lag of each link in ms", lag);
    Chart("Conflicts in the ledger, by region", conflicts);
  }

  Line FromSamples(const std::string& name, size_t index,
                   const std::map<std::string, std::vector<Sample>>& from) const {
    Line line{name, Colour(index), {}, false};
    const auto at = from.find(name);
    if (at == from.end()) return line;
    for (const Sample& sample : at->second)
      line.points.emplace_back(static_cast<double>(sample.at_us) / kSecond,
                               static_cast<double>(sample.value));
    return line;
  }

  void Verdicts() {
    out_ += "<h2>Verdicts</h2>\n<table><tr><th></th><th>check</th><th>what was judged</th></tr>\n";
    for (const Verdict& verdict : report_.verdicts) {
      out_ += std::string("<tr class=\"") + (verdict.holds ? "holds" : "fails") + "\"><td>" +
              (verdict.holds ? "holds" : "VIOLATED") + "</td><td>" + Escaped(verdict.name) +
              "</td><td>" + Escaped(verdict.says);
      if (!verdict.lines.empty()) {
        out_ += "<pre>";
        for (const std::string& line : verdict.lines) out_ += Escaped(line) + "\n";
        out_ += "</pre>";
      }
      out_ += "</td></tr>\n";
    }
    out_ += "</table>\n";
  }

  void Faults() {
    if (report_.strokes.empty()) return;
    out_ += "<h2>Faults</h2>\n<table><tr><th>from</th><th>to</th><th></th></tr>\n";
    constexpr size_t kMaxRows = 200;
    for (size_t i = 0; i < report_.strokes.size() && i < kMaxRows; ++i) {
      const Stroke& stroke = report_.strokes[i];
      out_ += "<tr><td>" + Number(FaultSecond(stroke.at)) + " s</td><td>" +
              (stroke.until > stroke.at ? Number(FaultSecond(stroke.until)) + " s" : "") +
              "</td><td>" + Escaped(stroke.text) + "</td></tr>\n";
    }
    out_ += "</table>\n";
    if (report_.strokes.size() > kMaxRows)
      out_ += "<p>and " + std::to_string(report_.strokes.size() - kMaxRows) + " more</p>\n";
  }

  const RunReport& report_;
  double end_ = 1;
  std::string out_;
};

const char* const Page::kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><style>
:root{--fg:#1a1a1a;--bg:#fff;--soft:#667;--line:#d8d8de;--band:#ef444422;--good:#15803d;--bad:#b91c1c}
@media(prefers-color-scheme:dark){:root{--fg:#e6e6e6;--bg:#16181d;--soft:#9aa;--line:#343842;--band:#f8717133;--good:#4ade80;--bad:#f87171}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:62rem;margin:1.5rem auto;padding:0 1rem}
header{border-left:6px solid;padding:.1rem 1rem}header.good{border-color:var(--good)}header.bad{border-color:var(--bad)}
h1{font-size:1.15rem;margin:.2rem 0}h2{font-size:1.1rem;margin:2rem 0 .4rem}h3{font-size:.95rem;margin:1.1rem 0 0;font-weight:600}
.verdict{font-size:1.7rem;font-weight:700;margin:.2rem 0}.good .verdict{color:var(--good)}.bad .verdict{color:var(--bad)}
.figures{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;padding:0}.figures b{font-variant-numeric:tabular-nums}
.replay,.legend{color:var(--soft);font-size:.85rem;margin:.2rem 0}.legend span{margin-right:1rem;white-space:nowrap}
.legend i{display:inline-block;width:.7rem;height:.7rem;border-radius:2px;margin-right:.3rem}
svg{width:100%;height:auto;display:block}.tick{fill:var(--soft);font-size:11px}.name{fill:var(--fg);font-size:12px}
.grid{stroke:var(--line);stroke-width:.7}.mark{stroke:var(--soft);stroke-width:.8;stroke-dasharray:2 3}
.band{fill:var(--band)}.fault{fill:#ef4444;fill-opacity:.55}.line{fill:none;stroke-width:1.6;stroke-linejoin:round}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line)}
.holds td:first-child{color:var(--good);font-weight:600}.fails td:first-child{color:var(--bad);font-weight:700}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem;margin:.3rem 0}code{overflow-wrap:anywhere}
</style>
)";

void AppendSamples(const std::map<std::string, std::vector<Sample>>& from, std::string& out) {
  out += "{";
  bool first = true;
  for (const auto& [name, samples] : from) {
    out += (first ? "" : ",") + JsonText(name) + ":[";
    first = false;
    for (size_t i = 0; i < samples.size(); ++i)
      out += (i == 0 ? "[" : ",[") + std::to_string(samples[i].at_us) + "," +
             std::to_string(samples[i].value) + "]";
    out += "]";
  }
  out += "}";
}

void AppendSeconds(const Figures& figures, std::string& out) {
  out += "{";
  bool first = true;
  for (const auto& [region, seconds] : figures.seconds) {
    out += (first ? "" : ",") + JsonText(region) + ":[";
    first = false;
    for (size_t i = 0; i < seconds.size(); ++i)
      out += std::string(i == 0 ? "" : ",") +
             "{\"answered\":" + std::to_string(seconds[i].answered) +
             ",\"unknown\":" + std::to_string(seconds[i].unknown) +
             ",\"p50_us\":" + std::to_string(seconds[i].p50_us) +
             ",\"p99_us\":" + std::to_string(seconds[i].p99_us) + "}";
    out += "]";
  }
  out += "}";
}

}  // namespace

std::string ReportHtml(const RunReport& report) { return Page(report).Make(); }

std::string ReportJson(const RunReport& report) {
  const Figures& figures = report.figures;
  const RunPhases& phases = report.phases;
  std::string out = "{\"scenario\":" + JsonText(report.name) +
                    ",\"description\":" + JsonText(report.description) +
                    ",\"seed\":" + std::to_string(report.seed) +
                    ",\"replay\":" + JsonText(report.replay) +
                    ",\"passed\":" + (report.Passed() ? "true" : "false") + ",\"verdicts\":[";
  for (size_t i = 0; i < report.verdicts.size(); ++i) {
    const Verdict& verdict = report.verdicts[i];
    out += std::string(i == 0 ? "" : ",") + "{\"check\":" + JsonText(verdict.name) +
           ",\"holds\":" + (verdict.holds ? "true" : "false") +
           ",\"says\":" + JsonText(verdict.says) + ",\"violations\":[";
    for (size_t n = 0; n < verdict.lines.size(); ++n)
      out += (n == 0 ? "" : ",") + JsonText(verdict.lines[n]);
    out += "]}";
  }
  out += "],\"phases_us\":{\"faults_begin\":" + std::to_string(phases.faults_begin) +
         ",\"faults_end\":" + std::to_string(phases.faults_end) +
         ",\"load_end\":" + std::to_string(phases.load_end) +
         ",\"converged\":" + std::to_string(phases.converged) + "},\"faults\":[";
  for (size_t i = 0; i < report.strokes.size(); ++i)
    out += std::string(i == 0 ? "" : ",") +
           "{\"at_us\":" + std::to_string(phases.faults_begin + report.strokes[i].at) +
           ",\"until_us\":" + std::to_string(phases.faults_begin + report.strokes[i].until) +
           ",\"what\":" + JsonText(report.strokes[i].text) + "}";
  char percent[32];
  std::snprintf(percent, sizeof(percent), "%.4f", figures.local_success_percent);
  out += "],\"figures\":{\"operations\":" + std::to_string(figures.operations) +
         ",\"acknowledged_writes\":" + std::to_string(figures.acknowledged_writes) +
         ",\"unknown\":" + std::to_string(figures.unknown) +
         ",\"local_success_percent\":" + percent +
         ",\"quiet_p99_us\":" + std::to_string(figures.quiet_p99_us) +
         ",\"fault_p99_us\":" + std::to_string(figures.fault_p99_us) + "},\"seconds\":";
  AppendSeconds(figures, out);
  out += ",\"lag_ms\":";
  AppendSamples(report.lag_ms, out);
  out += ",\"conflicts\":";
  AppendSamples(report.conflicts, out);
  return out + "}\n";
}

}  // namespace everwrite::chaos
