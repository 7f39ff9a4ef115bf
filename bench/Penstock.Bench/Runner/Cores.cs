using System.Globalization;

namespace Penstock.Bench.Runner;

/// <summary>
/// Who runs where: the gateway alone on core 0, the upstream and the load elsewhere, so that neither can
/// take time from what is measured. Without taskset, or with one core only, nothing is pinned.
/// </summary>
static class Cores
{
    static readonly string? _taskset = Environment.ProcessorCount < 2
        ? null
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "taskset")).FirstOrDefault(File.Exists);

    public const int Gateway = 0, Upstream = 1;
    public static readonly int Load = Math.Min(2, Environment.ProcessorCount - 1);

    public static bool CanPin => _taskset is not null;

    /// <summary>The command that runs <paramref name="command"/> on one core.</summary>
    public static string[] Pin(int core, params string[] command) => _taskset is null ? command : [_taskset, "-c", $"{core}", .. command];

    /// <summary>The processor time that the whole machine has used since it started.</summary>
    public static double BusySeconds()
    {
        // "cpu  user nice system idle iowait irq softirq steal …", in hundredths of a second
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields[1..9].Where((_, i) => i is not (3 or 4)).Sum(field => double.Parse(field, CultureInfo.InvariantCulture)) / 100;
    }
}
