using Penstock.AspNetCore.Configuration;
using Penstock.Redis;
using StackExchange.Redis;

namespace Penstock.Server.Commands.Doctor;

/// <summary>Whether streams can be kept.</summary>
internal static class StoreCheck
{
    private const long FewBytes = 1L << 30;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    public static Task RunAsync(PenstockOptions options, Report report) => options.Storage.Kind switch
    {
        "disk" => CheckDiskAsync(options.Storage, report),
        "redis" => CheckRedisAsync(options.Storage, report),
        _ => report.NoteAsync("Streams are kept in memory: a restart forgets them."),
    };

    private static async Task CheckDiskAsync(StorageOptions storage, Report report)
    {
        var folder = Path.GetFullPath(storage.Path);
        var standing = folder;
        while (!Directory.Exists(standing)) standing = Path.GetDirectoryName(standing)!;
        try
        {
            var probe = Path.Combine(standing, $".penstock-doctor-{Guid.NewGuid():N}");
            await File.WriteAllBytesAsync(probe, [1]);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await report.BadAsync($"{standing} cannot be written.", $"Let this user write there, or set Penstock:Storage:Path to another folder. ({e.Message})");
            return;
        }

        var free = new DriveInfo(standing).AvailableFreeSpace;
        if (free < FewBytes) await report.BadAsync($"There are only {free >> 20} MiB free where {folder} is.", "Make room, or set Penstock:Storage:Path to another disk; Penstock:Storage:MaxDiskBytes keeps it within a bound.");
        else await report.GoodAsync($"Streams are kept in {folder}, which can be written; {free >> 30} GiB are free.");
    }

    private static async Task CheckRedisAsync(StorageOptions storage, Report report)
    {
        var configuration = RedisConnection.Configure(storage.Redis);
        configuration.AbortOnConnectFail = true;
        try
        {
            using var redis = await ConnectionMultiplexer.ConnectAsync(configuration).WaitAsync(_limit);
            var ping = await redis.GetDatabase().PingAsync().WaitAsync(_limit);
            await report.GoodAsync($"Redis answers in {ping.TotalMilliseconds:0.0} ms.");
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            await report.BadAsync("Redis does not answer.", "Start it, or mend Penstock:Storage:Redis (host:port, or a connection string with its password).");
        }
    }
}
