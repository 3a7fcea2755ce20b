namespace Diffusion;

/// <summary>A plain module seen as a <see cref="DenoisingNetwork"/>; its parameters keep their own names.</summary>
internal sealed class WrappedNetwork : DenoisingNetwork
{
    private readonly nn.Module<Tensor, Tensor, Tensor> _module;

    public WrappedNetwork(nn.Module<Tensor, Tensor, Tensor> module) : base("Wrapped")
    {
        ArgumentNullException.ThrowIfNull(module);
        _module = module;
        // Registered under its children's names, so that the state dictionary is the module's own.
        foreach (var (name, child) in module.named_children()) register_module(name, child);
        foreach (var (name, parameter) in module.named_parameters(recurse: false)) register_parameter(name, parameter);
        foreach (var (name, buffer) in module.named_buffers(recurse: false)) register_buffer(name, buffer);
    }

    public override Tensor forward(Tensor input1, Tensor input2, Conditioning? input3)
    {
        if (input3 is not null && !input3.IsEmpty)
            throw new ArgumentException("This network wraps a plain module that takes no condition, but a condition was given.", nameof(input3));
        return _module.call(input1, input2);
    }

    public override void train(bool on = true)
    {
        base.train(on);
        _module.train(on);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _module.Dispose();
        base.Dispose(disposing);
    }
}
