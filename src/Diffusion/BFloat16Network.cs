namespace Diffusion;

/// <summary>
/// A network that computes in bfloat16 while its parameters, what it is given and what it returns stay float32. Borrows the network: it has no
/// parameters of its own, and disposing it disposes nothing.
/// </summary>
internal sealed class BFloat16Network : DenoisingNetwork
{
    private readonly Func<Tensor, Tensor, Conditioning?, Tensor> _call; // not a field of module type: those would be registered
    private readonly Autocast _autocast;

    public BFloat16Network(DenoisingNetwork network, Autocast? autocast) : base(nameof(BFloat16Network))
    {
        _autocast = autocast ?? throw new InvalidOperationException(
            "This libtorch does not let bfloat16 computation be switched on (its autocast functions were not found). Compute in ComputePrecision.Float32.");
        foreach (var (name, parameter) in network.named_parameters())
            if (parameter.dtype is not ScalarType.Float32)
                throw new ArgumentException($"Parameter '{name}' is {parameter.dtype}; computing in bfloat16 needs a network of Float32 parameters.", nameof(network));
        _call = network.call;
    }

    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        ArgumentNullException.ThrowIfNull(input1);
        using var scope = NewDisposeScope();
        Tensor result;
        using (_autocast.Enter(input1.device_type)) result = _call(input1, input2, input3);
        return result.to(input1.dtype).MoveToOuterDisposeScope();
    }
}
