using System.Globalization;

namespace Penstock.Bench.Soak;

/// <summary>What a server holds at one moment.</summary>
readonly record struct SoakSample(double Seconds, long Resident, int Handles, int Threads, long Folder, int Running, long Ended)
{
    public const string Header = "    time    RSS MiB  handles  threads  folder MiB  open        ended";

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{TimeSpan.FromSeconds(Seconds):hh\\:mm\\:ss}  {Resident / 1048576.0,9:F1}  {Handles,7}  {Threads,7}  {Folder / 1048576.0,10:F1}  {Running,4}  {Ended,11:N0}");

    public static SoakSample Take(double seconds, int process, string folder, int running, long ended)
    {
        long resident = 0;
        var threads = 0;
        foreach (var line in File.ReadLines($"/proc/{process}/status"))
        {
            if (line.StartsWith("VmRSS:", StringComparison.Ordinal)) resident = Number(line) * 1024;
            if (line.StartsWith("Threads:", StringComparison.Ordinal)) threads = (int)Number(line);
        }

        return new SoakSample(seconds, resident, Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Count(), threads, SizeOf(folder), running, ended);
    }

    static long Number(string line) => long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);

    static long SizeOf(string folder)
    {
        long size = 0;
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            try
            {
                size += file.Length;
            }
            catch (FileNotFoundException)
            {
                // It was deleted just now.
            }
        }

        return size;
    }
}
