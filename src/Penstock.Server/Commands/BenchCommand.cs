using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Penstock.Client;
using Penstock.Server.Commands.Output;

namespace Penstock.Server.Commands;

/// <summary><c>penstock bench</c></summary>
internal static class BenchCommand
{
    private const string Description = """
        Streams many answers at once from a running server, and says how soon they begin and how evenly they flow.

        It measures as a client sees it, through whatever stands between. With a real model it costs what its tokens cost.
        """;

    public static Command New()
    {
        var model = new Option<string>("--model", "-m") { Description = "Who answers.", HelpName = "MODEL", DefaultValueFactory = _ => "simulated/chat?tokens=100&tps=50&ttft=100" };
        var streams = new Option<int>("--streams") { Description = "How many at once.", HelpName = "N", DefaultValueFactory = _ => 20 };
        var count = new Option<int>("--count") { Description = "How many in all.", HelpName = "N", DefaultValueFactory = _ => 100 };
        var prompt = new Option<string>("--prompt") { Description = "What to ask.", HelpName = "TEXT", DefaultValueFactory = _ => "Tell me about rivers." };
        var command = new PenstockCommand("bench", Description, "penstock bench --streams 50 --count 500") { model, streams, count, prompt };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            if (result.GetValue(streams) < 1 || result.GetValue(count) < 1) throw new UsageException("--streams and --count must be 1 or more.");
            using var client = server.NewClient(result);
            using var interrupts = new Interrupts();
            var bench = new Bench(client, result.GetValue(prompt)!, result.GetValue(model)!, result.GetValue(count));
            await bench.RunAsync(result.GetValue(streams), interrupts.Token);
            await bench.WriteAsync(result.InvocationConfiguration.Output);
            return bench.Failures > 0 ? ExitCodes.Failed : ExitCodes.Done;
        });
        return command;
    }

    private sealed class Bench(PenstockClient client, string prompt, string model, int count)
    {
        private readonly List<double> _first = [];
        private readonly List<double> _gaps = [];
        private readonly List<double> _whole = [];
        private readonly Dictionary<string, int> _errors = new(StringComparer.Ordinal);
        private readonly Lock _lock = new();
        private long _tokens;
        private TimeSpan _elapsed;

        public int Failures => _errors.Values.Sum();

        public async Task RunAsync(int streams, CancellationToken cancellationToken)
        {
            var begun = Stopwatch.GetTimestamp();
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = streams, CancellationToken = cancellationToken }, async (_, token) =>
            {
                string? error;
                try
                {
                    error = await MeasureAsync(token);
                }
                catch (PenstockException e)
                {
                    error = e.Code;
                }

                lock (_lock)
                {
                    if (error is not null) _errors[error] = _errors.GetValueOrDefault(error) + 1;
                    Terminal.Progress($"{_whole.Count + Failures} of {count}");
                }
            });
            _elapsed = Stopwatch.GetElapsedTime(begun);
            Terminal.Progress("");
        }

        public async Task WriteAsync(TextWriter output)
        {
            await Table.WriteAsync(output, ["MILLISECONDS", "P50", "P95", "P99", "MAX"],
            [
                Row("to the first token", _first),
                Row("between two tokens", _gaps),
                Row("a whole answer", _whole),
            ]);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"\n{_whole.Count} answers in {_elapsed.TotalSeconds:0.0} s, {_tokens / _elapsed.TotalSeconds:0} tokens a second"));
            foreach (var (code, times) in _errors) await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{times} failed: {code}"));
        }

        /// <returns>The code of the error that it ended with, or null.</returns>
        private async Task<string?> MeasureAsync(CancellationToken cancellationToken)
        {
            var begun = Stopwatch.GetTimestamp();
            var last = 0L;
            var gaps = new List<double>();
            var first = 0d;
            var run = await client.StartAsync(prompt, model, cancellationToken);
            await foreach (var next in run.WithCancellation(cancellationToken))
            {
                if (next is GenerationFailed failed) return failed.Error.Code;
                if (next is not BlockDelta) continue;
                var now = Stopwatch.GetTimestamp();
                if (last == 0) first = Stopwatch.GetElapsedTime(begun, now).TotalMilliseconds;
                else gaps.Add(Stopwatch.GetElapsedTime(last, now).TotalMilliseconds);
                last = now;
            }

            lock (_lock)
            {
                _first.Add(first);
                _gaps.AddRange(gaps);
                _whole.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
                _tokens += gaps.Count + 1;
            }

            return null;
        }

        private static string[] Row(string name, List<double> values)
        {
            values.Sort();
            return [name, At(0.5), At(0.95), At(0.99), At(1)];

            string At(double share) => values.Count == 0 ? "" : values[(int)Math.Ceiling(share * values.Count) - 1].ToString("0.0", CultureInfo.InvariantCulture);
        }
    }
}
