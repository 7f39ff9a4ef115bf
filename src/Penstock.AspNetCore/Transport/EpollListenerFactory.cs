using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Penstock.AspNetCore.Configuration;
using Penstock.Transport;

namespace Penstock.AspNetCore.Transport;

/// <summary>Kestrel's way to the loops. What it does not bind (UNIX sockets, other systems than Linux), the framework's own sockets do.</summary>
internal sealed class EpollListenerFactory(
    PenstockOptions penstock, IOptions<SocketTransportOptions> options, IMemoryPoolFactory<byte> pools, TimeProvider time, ILogger<EpollListenerFactory> logger)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint && penstock.Transport != "sockets" && EpollLoops.Shared is not null;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        try
        {
            using var socket = options.Value.CreateBoundListenSocket(endpoint); // dual mode and all else is as it always is
            socket.Listen(options.Value.Backlog);
            return new(new EpollListener(socket, EpollLoops.Shared!, pools.Create(), time, logger));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException(e.Message, e);
        }
    }
}
