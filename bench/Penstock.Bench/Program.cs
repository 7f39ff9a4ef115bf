using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Penstock.Bench.Load;
using Penstock.Bench.Runner;
using Penstock.Bench.Scale;
using Penstock.Bench.Soak;
using Penstock.Bench.Streams;
using Penstock.Bench.Upstream;

// The upstream and the load run as processes of their own, started by the runner from this same executable.
switch (args)
{
    case ["upstream", ..]:
        using (var upstream = new UpstreamServer())
            upstream.Run(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 0);
        return 0;
    case ["load", .. var options]:
        using (var load = new LoadGenerator(LoadOptions.FromArguments(options)))
            Console.WriteLine(JsonSerializer.Serialize(load.Run(), LoadJson.Default.LoadReport));
        return 0;
    case ["streams-load", .. var options]:
        StreamsCommand.Load(options);
        return 0;
    default:
        using (var stop = new CancellationTokenSource())
        {
            Action<PosixSignalContext> onSignal = signal =>
            {
                signal.Cancel = true;
                stop.Cancel();
            };
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, onSignal);
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, onSignal);
            try
            {
                return await (args switch
                {
                    ["streams", .. var options] => StreamsCommand.RunAsync(options, stop.Token),
                    ["scale", .. var options] => ScaleCommand.RunAsync(options, stop.Token),
                    ["soak", .. var options] => SoakCommand.RunAsync(options, stop.Token),
                    _ => BenchCommand.RunAsync(args, stop.Token),
                });
            }
            catch (InvalidOperationException e)
            {
                await Console.Error.WriteLineAsync($"! {e.Message}");
                return 1;
            }
            catch (OperationCanceledException)
            {
                return 130; // everything that was started is stopped by now
            }
        }
}
