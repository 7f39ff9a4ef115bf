using Microsoft.Extensions.Options;
using Penstock.AspNetCore.Configuration;
using Penstock.Redis;

namespace Penstock.Server;

/// <summary>Keeps streams in Redis where <c>Penstock:Storage:Kind</c> says so.</summary>
internal static class RedisStorage
{
    private const string Kind = "redis";

    public static void AddRedisStorage(this IServiceCollection services, IConfiguration configuration)
    {
        if (configuration[$"{PenstockOptions.Section}:Storage:Kind"] != Kind) return;
        services.AddOptions<PenstockOptions>()
            .PostConfigure(options => options.Storage.Redis = Address(options.Storage.Redis, configuration))
            // Without its value, which may hold a password.
            .Validate(
                options => RedisStoreOptions.IsConnection(options.Storage.Redis),
                "Penstock:Storage:Redis cannot be read; give host:port, or a connection string such as redis.example.com:6379,password=…,ssl=true.");
        services.AddPenstockRedis(NewOptions);
    }

    private static RedisStoreOptions NewOptions(IServiceProvider services)
    {
        var penstock = services.GetRequiredService<PenstockOptions>();
        var storage = penstock.Storage;
        return new RedisStoreOptions
        {
            Connection = storage.Redis,
            Outage = storage.RedisOutage,
            MaxCacheBytes = storage.MaxMemoryBytes,
            Retention = storage.Retention,
            MaxStreamBytes = storage.MaxStreamBytes,
            KeepFor = penstock.Streams.KeepFor == TimeSpan.Zero ? TimeSpan.MaxValue : penstock.Streams.KeepFor,
            KeepBytes = penstock.Streams.KeepBytes == 0 ? long.MaxValue : penstock.Streams.KeepBytes,
        };
    }

    // REDIS_HOST and REDIS_PORT are what many have in their environment.
    private static string Address(string configured, IConfiguration configuration)
    {
        if (configuration[$"{PenstockOptions.Section}:Storage:Redis"] is not null) return configured;
        var (host, port) = (configuration["REDIS_HOST"], configuration["REDIS_PORT"]);
        return string.IsNullOrEmpty(host) && string.IsNullOrEmpty(port)
            ? configured
            : $"{(string.IsNullOrEmpty(host) ? "localhost" : host)}:{(string.IsNullOrEmpty(port) ? "6379" : port)}";
    }
}
