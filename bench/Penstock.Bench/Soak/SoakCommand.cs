using System.Diagnostics;
using System.Globalization;
using Penstock.Bench.Runner;

namespace Penstock.Bench.Soak;

/// <summary><c>soak</c>: generations at a rate for a long time, and whether the server's memory, handles, threads or folder grow.</summary>
static class SoakCommand
{
    const string Help = """
        Runs generations at a rate, samples the server, and says whether anything grows over the second half.

          dotnet run -c Release --project bench/Penstock.Bench -- soak [--rate N] [--minutes N] [--retention SECONDS] [--tokens N]

        --rate N             generations started a second (default 200)
        --minutes N          how long (default 60)
        --retention SECONDS  how long an ended stream is kept (default a twelfth of the time): what is kept fills up in the first half
        --tokens N           tokens of an answer, one each 20 ms (default 30)
        """;

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        double rate = 200, minutes = 60, retention = 0, tokens = 30;
        for (var i = 0; i < args.Length; i += 2)
        {
            var isNumber = double.TryParse(i + 1 < args.Length ? args[i + 1] : "", CultureInfo.InvariantCulture, out var value) && value > 0;
            if (isNumber && args[i] == "--rate") rate = value;
            else if (isNumber && args[i] == "--minutes") minutes = value;
            else if (isNumber && args[i] == "--retention") retention = value;
            else if (isNumber && args[i] == "--tokens") tokens = value;
            else
            {
                await Console.Error.WriteLineAsync(Help);
                return args[i] is "--help" or "-h" ? 0 : 2;
            }
        }

        var time = TimeSpan.FromMinutes(minutes);
        if (retention == 0) retention = time.TotalSeconds / 12;
        using var upstream = new ChildProcess([.. ChildProcess.Self, "upstream"]);
        var upstreamPort = int.Parse(await upstream.Output.ReadLineAsync(cancellation) ?? throw new InvalidOperationException(upstream.LastLines), CultureInfo.InvariantCulture);
        using var server = await SoakServer.StartAsync(upstreamPort, TimeSpan.FromSeconds(retention), cancellation);
        using var load = new SoakLoad(server.Port, new BenchModel((int)tokens, Interval: 20));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rate} generations a second for {minutes} minutes, {tokens} tokens each, kept {retention:F0} s after their ending"));
        var samples = await SampleAsync(server, load, load.RunAsync(rate, time, cancellation), time, cancellation);

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{load.Ended:N0} generations as they should be, {load.Failed:N0} not{(load.FirstFailure is { } failure ? $": {failure}" : "")}"));
        var flat = true;
        foreach (var trend in SoakTrend.All) flat &= trend.Judge(samples, Console.Out);
        return flat && load.Failed == 0 ? 0 : 1;
    }

    static async Task<List<SoakSample>> SampleAsync(SoakServer server, SoakLoad load, Task run, TimeSpan time, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        var samples = new List<SoakSample>();
        var interval = TimeSpan.FromSeconds(Math.Max(1, time.TotalSeconds / 240));
        Console.WriteLine(SoakSample.Header);
        while (!run.IsCompleted)
        {
            await Task.WhenAny(run, Task.Delay(interval, cancellation));
            samples.Add(SoakSample.Take(Stopwatch.GetElapsedTime(start).TotalSeconds, server.Process.Id, server.Folder, load.Running, load.Ended));
            if (samples.Count % 10 == 0) Console.WriteLine(samples[^1]);
            if (server.Process.HasExited) throw new InvalidOperationException($"The server exited:\n{server.Process.LastLines}");
        }

        await run;
        return samples;
    }
}
