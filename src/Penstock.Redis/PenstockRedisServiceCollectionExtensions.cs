using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Penstock.Limits;
using Penstock.Streams;

namespace Penstock.Redis;

public static class PenstockRedisServiceCollectionExtensions
{
    /// <summary>Keeps Penstock's streams, and what callers have used of their limits, in Redis. Call it before <c>AddPenstock</c>.</summary>
    /// <param name="services">The app's.</param>
    /// <param name="options">Asked once, when the first stream is.</param>
    /// <exception cref="ArgumentException">When the store is first asked for: the connection string cannot be read.</exception>
    public static IServiceCollection AddPenstockRedis(this IServiceCollection services, Func<IServiceProvider, RedisStoreOptions> options)
    {
        services.AddSingleton<IStreamLog>(provider =>
            new RedisStreamLog(options(provider), provider.GetService<TimeProvider>() ?? TimeProvider.System, provider.GetRequiredService<ILogger<RedisStreamLog>>()));
        services.AddSingleton<ILimiter>(provider => ((RedisStreamLog)provider.GetRequiredService<IStreamLog>()).NewLimiter());
        return services;
    }
}
