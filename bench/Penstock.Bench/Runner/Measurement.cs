using System.Text.Json;
using Penstock.Bench.Load;

namespace Penstock.Bench.Runner;

/// <summary>One run of one scenario against one contender.</summary>
sealed record Measurement(LoadReport Load, int Streams, double GatewayCpuSeconds, double BenchCpuSeconds, double MachineCpuSeconds, long ResidentBefore, long ResidentPeak)
{
    public double TokensPerSecond => Load.Tokens / Load.Seconds;

    /// <summary>The gateway's processor time per token read by the load, in microseconds.</summary>
    public double CpuPerToken => 1e6 * GatewayCpuSeconds / Math.Max(1, Load.Tokens);

    /// <summary>What the gateway's memory grew by, from warm and quiet to its peak, for each open stream.</summary>
    public double KibPerStream => (ResidentPeak - ResidentBefore) / 1024.0 / Streams;

    public double ResidentMib => ResidentPeak / 1024.0 / 1024.0;

    /// <summary>The share of its core that the gateway used, in percent.</summary>
    public double GatewayBusy => 100 * GatewayCpuSeconds / Load.Seconds;

    /// <summary>The share that the upstream and the load used: near 100 of one core, the bench measures itself.</summary>
    public double BenchBusy => 100 * BenchCpuSeconds / Load.Seconds;

    /// <summary>What all else on the machine used, in percent of a core: a run that others disturbed is not worth much.</summary>
    public double OtherBusy => Math.Max(0, 100 * MachineCpuSeconds / Load.Seconds - GatewayBusy - BenchBusy);

    public int Faulty => Load.Faults.Values.Sum();

    /// <summary>The same of one among <paramref name="all"/>, which were taken at the same time: their loads are the bench's too, and their gateways are no disturbance.</summary>
    public Measurement Among(IReadOnlyList<Measurement> all) => this with
    {
        BenchCpuSeconds = BenchCpuSeconds - Load.LoadCpuSeconds + all.Sum(m => m.Load.LoadCpuSeconds),
        MachineCpuSeconds = MachineCpuSeconds + GatewayCpuSeconds - all.Sum(m => m.GatewayCpuSeconds),
    };

    /// <summary>Runs a load in a process of its own and watches the gateway meanwhile.</summary>
    public static async Task<Measurement> TakeAsync(LoadOptions options, ChildProcess upstream, ChildProcess? gateway, CancellationToken cancellation)
    {
        var before = gateway?.ResidentBytes ?? 0;
        var peak = before;
        var (gatewayCpu, upstreamCpu, machineCpu) = (gateway?.CpuSeconds ?? 0, upstream.CpuSeconds, Cores.BusySeconds());
        using var load = new ChildProcess([.. Cores.Pin(Cores.Load, ChildProcess.Self), "load", .. options.ToArguments()]);
        var output = load.Output.ReadToEndAsync();
        while (await Task.WhenAny(output, Task.Delay(250, cancellation)) != output)
        {
            cancellation.ThrowIfCancellationRequested();
            peak = Math.Max(peak, gateway?.ResidentBytes ?? 0);
        }

        gatewayCpu = (gateway?.CpuSeconds ?? 0) - gatewayCpu;
        upstreamCpu = upstream.CpuSeconds - upstreamCpu;
        machineCpu = Cores.BusySeconds() - machineCpu;
        var json = await output;
        var report = json.Length > 0 ? JsonSerializer.Deserialize(json, LoadJson.Default.LoadReport) : null;
        return report is null
            ? throw new InvalidOperationException("the load failed: " + load.LastLines)
            : new Measurement(report, options.Streams, gatewayCpu, upstreamCpu + report.LoadCpuSeconds, machineCpu, before, peak);
    }
}
