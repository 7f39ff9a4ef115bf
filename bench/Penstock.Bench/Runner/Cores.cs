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
}
